//! One allocation: who may send to it, and under which numbers. Told the time; it refuses to know
//! sockets and messages (RFC 8656, sections 6, 9 and 12).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bandwidth::Bandwidth;
use super::frame::CHANNELS;

/// How long a permission holds (RFC 8656, section 9).
const PERMISSION: Duration = Duration::from_secs(300);

/// How long a channel holds (RFC 8656, section 12).
const CHANNEL: Duration = Duration::from_secs(600);

/// Addresses that one allocation may have permissions for, and channels: a room full of peers with all
/// of their candidates.
const MOST: usize = 256;

/// See the module.
#[derive(Debug)]
pub(super) struct Allocation {
    /// The address that peers see.
    pub(super) relayed: SocketAddr,
    /// Who may change it.
    pub(super) username: String,
    /// Who its bandwidth and its place are counted for.
    pub(super) user: Arc<User>,
    /// The request that made it.
    pub(super) transaction: [u8; 12],
    pub(super) expires: Instant,
    /// It cannot be refreshed beyond this.
    pub(super) ends: Instant,
    permissions: Vec<(IpAddr, Instant)>,
    channels: Vec<Channel>,
}

/// Somebody with allocations.
#[derive(Debug)]
pub(super) struct User {
    pub(super) id: String,
    /// For what its allocations pass on, both ways together.
    pub(super) bandwidth: Bandwidth,
}

#[derive(Debug)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    until: Instant,
}

/// How something from a peer goes to the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    Channel(u16),
    Indication,
}

/// Why something cannot be bound.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unbindable {
    /// The number or the peer is bound otherwise, or there is no such number: 400.
    BadRequest,
    /// Too many: 508.
    Capacity,
}

impl Allocation {
    pub(super) fn new(
        relayed: SocketAddr,
        username: String,
        user: Arc<User>,
        transaction: [u8; 12],
        expires: Instant,
        ends: Instant,
    ) -> Self {
        let (permissions, channels) = (Vec::new(), Vec::new());
        Self { relayed, username, user, transaction, expires, ends, permissions, channels }
    }

    /// The peer behind a channel, to send to.
    pub(super) fn channel(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let channel = self.channels.iter().find(|channel| channel.number == number && channel.until > now)?;
        // A channel outlives its permission; that is renewed by binding it again.
        (self.expires > now && self.permits(now, channel.peer.ip())).then_some(channel.peer)
    }

    /// Whether the client may send to this address.
    pub(super) fn may_send(&self, now: Instant, ip: IpAddr) -> bool {
        self.expires > now && self.permits(now, ip)
    }

    /// How a packet from this peer goes to the client; `None` when it does not.
    pub(super) fn way_from(&self, now: Instant, peer: SocketAddr) -> Option<Way> {
        if self.expires <= now || !self.permits(now, peer.ip()) {
            return None;
        }
        let channel = self.channels.iter().find(|channel| channel.peer == peer && channel.until > now);
        Some(channel.map_or(Way::Indication, |channel| Way::Channel(channel.number)))
    }

    /// Permits all of these addresses, or none.
    pub(super) fn permit(&mut self, now: Instant, ips: &[IpAddr]) -> Result<(), Unbindable> {
        self.permissions.retain(|(_, until)| *until > now);
        let mut permissions = self.permissions.clone();
        for ip in ips {
            match permissions.iter_mut().find(|(known, _)| known == ip) {
                Some((_, until)) => *until = now + PERMISSION,
                None => permissions.push((*ip, now + PERMISSION)),
            }
            if permissions.len() > MOST {
                return Err(Unbindable::Capacity);
            }
        }
        self.permissions = permissions;
        Ok(())
    }

    /// Binds a channel, or binds it again, and permits its peer.
    pub(super) fn bind(&mut self, now: Instant, number: u16, peer: SocketAddr) -> Result<(), Unbindable> {
        self.channels.retain(|channel| channel.until > now);
        let same = |channel: &Channel| (channel.number == number, channel.peer == peer);
        let at = match self.channels.iter().position(|channel| same(channel) != (false, false)) {
            _ if !CHANNELS.contains(&number) => return Err(Unbindable::BadRequest),
            Some(at) if same(&self.channels[at]) == (true, true) => Some(at),
            Some(_) => return Err(Unbindable::BadRequest),
            None if self.channels.len() >= MOST => return Err(Unbindable::Capacity),
            None => None,
        };
        self.permit(now, &[peer.ip()])?;
        match at {
            Some(at) => self.channels[at].until = now + CHANNEL,
            None => self.channels.push(Channel { number, peer, until: now + CHANNEL }),
        }
        Ok(())
    }

    fn permits(&self, now: Instant, ip: IpAddr) -> bool {
        self.permissions.iter().any(|(permitted, until)| *permitted == ip && *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocation(now: Instant) -> Allocation {
        let user = User { id: "u".into(), bandwidth: Bandwidth::new(now, None) };
        let (expires, ends) = (now + Duration::from_secs(3600), now + Duration::from_secs(86_400));
        Allocation::new(
            "203.0.113.1:50000".parse().unwrap(),
            "1:u".into(),
            user.into(),
            [0; 12],
            expires,
            ends,
        )
    }

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::new("8.8.8.8".parse().unwrap(), port)
    }

    #[test]
    fn who_was_not_permitted_is_neither_heard_nor_spoken_to() {
        let now = Instant::now();
        let mut allocation = allocation(now);
        assert_eq!(allocation.way_from(now, peer(1)), None);
        assert!(!allocation.may_send(now, peer(1).ip()));
        allocation.permit(now, &[peer(1).ip()]).unwrap();
        assert_eq!(allocation.way_from(now, peer(2)), Some(Way::Indication), "a permission is for all ports");
        assert!(allocation.may_send(now, peer(1).ip()));
        let over = now + PERMISSION;
        assert_eq!(allocation.way_from(over, peer(1)), None);
        assert!(!allocation.may_send(over, peer(1).ip()));
    }

    #[test]
    fn a_channel_is_one_number_for_one_peer_until_its_time_is_over() {
        let now = Instant::now();
        let mut allocation = allocation(now);
        allocation.bind(now, 0x4000, peer(1)).unwrap();
        assert_eq!(allocation.channel(now, 0x4000), Some(peer(1)));
        assert_eq!(allocation.way_from(now, peer(1)), Some(Way::Channel(0x4000)));
        assert_eq!(allocation.way_from(now, peer(2)), Some(Way::Indication));
        assert_eq!(allocation.bind(now, 0x4000, peer(2)), Err(Unbindable::BadRequest));
        assert_eq!(allocation.bind(now, 0x4001, peer(1)), Err(Unbindable::BadRequest));
        for no_number in [0x3FFF, 0x8000, 0xFFFF] {
            assert_eq!(allocation.bind(now, no_number, peer(3)), Err(Unbindable::BadRequest));
        }
        assert_eq!(allocation.channel(now + PERMISSION, 0x4000), None, "its permission was not renewed");
        let later = now + Duration::from_secs(500);
        allocation.bind(later, 0x4000, peer(1)).unwrap();
        assert_eq!(allocation.channel(later + Duration::from_secs(200), 0x4000), Some(peer(1)));
        allocation.bind(later + CHANNEL, 0x4000, peer(2)).unwrap();
    }

    #[test]
    fn permissions_and_channels_are_bounded_and_refused_as_a_whole() {
        let now = Instant::now();
        let mut allocation = allocation(now);
        let ips: Vec<IpAddr> = (0..MOST as u32).map(|n| std::net::Ipv4Addr::from_bits(n).into()).collect();
        allocation.permit(now, &ips).unwrap();
        let two = [ips[0], peer(1).ip()];
        let before = now + Duration::from_secs(299);
        assert_eq!(allocation.permit(before, &two), Err(Unbindable::Capacity));
        assert!(!allocation.may_send(now + PERMISSION, ips[0]), "nothing of a refused request is done");
        assert_eq!(allocation.bind(now, 0x4000, peer(1)), Err(Unbindable::Capacity));
        allocation.permit(now + PERMISSION, &two).unwrap();
    }

    #[test]
    fn nothing_passes_through_an_allocation_whose_time_is_over() {
        let now = Instant::now();
        let mut allocation = allocation(now);
        allocation.bind(now, 0x4000, peer(1)).unwrap();
        allocation.expires = now;
        assert_eq!(allocation.channel(now, 0x4000), None);
        assert_eq!(allocation.way_from(now, peer(1)), None);
        assert!(!allocation.may_send(now, peer(1).ip()));
    }
}
