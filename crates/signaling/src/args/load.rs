//! The part of the command line that is about how much the server takes, in all and from one address.

use clap::Args;
use maru_signaling::{Config, PerAddress};

/// Limits that are not told to clients in `joined`: whoever behaves never meets them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadArgs {
    /// Connections in all; beyond them clients are told to come back later. Never more than the system
    /// lets the server have
    #[arg(long, value_name = "N", default_value_t = Config::default().max_connections as u32,
          value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,

    /// Rooms in all
    #[arg(long, value_name = "N", default_value_t = Config::default().max_rooms as u32,
          value_parser = clap::value_parser!(u32).range(1..))]
    max_rooms: u32,

    /// Joins per minute from one address, on average; 0 for no limit. An address is an IPv4 address or an
    /// IPv6 /64 network
    #[arg(long, value_name = "N", default_value_t = PerAddress::default().joins_per_minute)]
    max_joins_per_minute: u32,

    /// Rooms that nobody is in, per minute from one address, on average; 0 for no limit. Slows down whoever
    /// guesses names of rooms
    #[arg(long, value_name = "N", default_value_t = PerAddress::default().new_rooms_per_minute)]
    max_new_rooms_per_minute: u32,

    /// Messages per second from all connections of one address, averaged over five seconds; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = PerAddress::default().messages_per_second)]
    max_address_messages_per_second: u32,
}

/// Files that are not clients' connections: sockets that listen, certificates, logs, and the clients that
/// are told that the server is full.
const OTHER_FILES: usize = 128;

impl LoadArgs {
    /// Sets these limits, in a process that may have so many files.
    pub(crate) fn apply(&self, config: &mut Config, files: usize) {
        let wanted = usize::try_from(self.max_connections).unwrap_or(usize::MAX);
        let possible = files.saturating_sub(OTHER_FILES).max(1);
        config.max_connections = wanted.min(possible);
        config.max_rooms = usize::try_from(self.max_rooms).unwrap_or(usize::MAX);
        config.per_address = PerAddress {
            joins_per_minute: self.max_joins_per_minute,
            messages_per_second: self.max_address_messages_per_second,
            new_rooms_per_minute: self.max_new_rooms_per_minute,
        };
    }
}
