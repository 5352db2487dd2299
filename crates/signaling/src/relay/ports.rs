//! Opening the sockets of allocations: at which of this machine's addresses, and on which port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket};
use std::ops::RangeInclusive;

use ring::rand::{SecureRandom as _, SystemRandom};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::table::{Family, NoPort, Wish};

/// Ports that are tried at random before all are tried in turn.
const RANDOM_TRIES: usize = 32;

/// Where allocations get their sockets.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) range: RangeInclusive<u16>,
    pub(super) public: Vec<IpAddr>,
}

impl Ports {
    /// A socket, and the address that peers see, for a client that came to `local`. It is told which
    /// addresses are taken already.
    pub(super) fn open(
        &self,
        wish: Wish,
        local: Option<IpAddr>,
        taken: &dyn Fn(SocketAddr) -> bool,
    ) -> Result<(UdpSocket, SocketAddr), NoPort> {
        let public = self.public.iter().copied().find(|ip| Family::of(*ip) == wish.family);
        let ip = bind_ip(wish.family, local, public.is_some()).ok_or(NoPort::Family)?;
        for port in self.candidates() {
            let relayed = SocketAddr::new(public.unwrap_or(ip), port);
            if (wish.even_port && port % 2 != 0) || taken(relayed) {
                continue;
            }
            match bind(SocketAddr::new(ip, port)) {
                Ok(socket) => return Ok((socket, relayed)),
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return Err(NoPort::Family),
                // Taken by another program, or the system has no more sockets: the next one tells.
                Err(error) => tracing::trace!(%error, port, "cannot be allocated"),
            }
        }
        Err(NoPort::Taken)
    }

    /// Some at random (whoever guesses ports finds none), then all, so that a nearly full range is used
    /// to its end.
    fn candidates(&self) -> impl Iterator<Item = u16> + use<> {
        let (first, last) = (*self.range.start(), *self.range.end());
        let width = u32::from(last.saturating_sub(first)) + 1;
        let mut random = [0; RANDOM_TRIES * 2 + 2];
        // Without random numbers the ports are merely in order.
        let _ = SystemRandom::new().fill(&mut random);
        let at = move |bits: u32| first + (bits % width) as u16;
        let start = u32::from(u16::from_le_bytes([random[0], random[1]]));
        let tries: Vec<u32> =
            random.chunks_exact(2).map(|two| u32::from(u16::from_le_bytes([two[0], two[1]]))).collect();
        tries.into_iter().map(at).chain((0..width).map(move |n| at(start + n)))
    }
}

/// The own address at which a socket is opened.
fn bind_ip(family: Family, local: Option<IpAddr>, behind_nat: bool) -> Option<IpAddr> {
    let local = local.map(|ip| ip.to_canonical()).filter(|ip| !ip.is_unspecified());
    match local {
        // Through a proxy on this machine, perhaps: peers are elsewhere.
        Some(ip) if ip.is_loopback() && behind_nat => Some(outward(family).unwrap_or(loopback(family))),
        Some(ip) if Family::of(ip) == family => Some(ip),
        Some(ip) if ip.is_loopback() => Some(loopback(family)),
        _ => outward(family),
    }
}

fn loopback(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::LOCALHOST.into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    }
}

/// The address from which this machine speaks to the internet. Nothing is sent to find out.
fn outward(family: Family) -> Option<IpAddr> {
    let (any, somebody): (IpAddr, IpAddr) = match family {
        Family::V4 => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(1, 1, 1, 1).into()),
        Family::V6 => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0, 0, 1).into()),
    };
    let socket = StdSocket::bind((any, 0)).ok()?;
    socket.connect((somebody, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // Else an IPv4 address in IPv6 clothes would be sent to.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}
