use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a server allows. Sent in `joined`, so that a client can stay within it; whoever breaks one
/// gets an `error` that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "protocol.d.ts")]
pub struct Limits {
    /// Largest message, in bytes.
    pub message_bytes: u32,
    /// Messages per second that a connection may send, averaged over a few seconds.
    pub messages_per_second: u32,
    /// Participants in one room.
    pub peers_per_room: u32,
    /// Connections from one address.
    pub connections_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            messages_per_second: 60,
            peers_per_room: 16,
            connections_per_address: 64,
        }
    }
}
