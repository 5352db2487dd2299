//! Looks up the `.local` names that browsers put into their candidates in place of their addresses, and answers
//! to our own (draft-ietf-mmusic-mdns-ice-candidates). It knows candidate lines and names, nothing of connections.
//!
//! One responder for the whole program, on every network interface, made when the first such candidate
//! comes. Without it a connection can still come about: the browser is told our addresses, and we learn
//! its address from what it sends.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

use mdns_sd::{HostnameResolutionEvent, ServiceDaemon, ServiceInfo};

/// A machine on the same network answers within milliseconds; one that is not there never does.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Position of the address in a candidate's line (RFC 8839, section 5.1).
const ADDRESS_FIELD: usize = 4;

static DAEMON: LazyLock<Option<ServiceDaemon>> = LazyLock::new(|| {
    ServiceDaemon::new()
        .inspect_err(|error| tracing::warn!(%error, "names of browsers on this network cannot be looked up"))
        .ok()
});

/// The name in a candidate's line that has to be looked up before the candidate can be used.
pub(super) fn name(candidate: &str) -> Option<&str> {
    let name = candidate.split(' ').nth(ADDRESS_FIELD)?;
    let label = name.strip_suffix(".local")?;
    // One label: nobody else's names are asked for on the network.
    (!label.is_empty() && label.len() < 64 && !label.contains('.')).then_some(name)
}

/// The candidate's line with the address in place of its name; `None` when nobody answers to the name.
pub(super) async fn resolve(candidate: &str) -> Option<String> {
    let name = name(candidate)?;
    let daemon = DAEMON.as_ref()?;
    let question = format!("{name}.");
    let milliseconds = TIMEOUT.as_millis() as u64;
    let answers = daemon
        .resolve_hostname(&question, Some(milliseconds))
        .inspect_err(|error| tracing::debug!(%error, "a browser's name cannot be looked up"))
        .ok()?;
    let first = async {
        while let Ok(event) = answers.recv_async().await {
            if let HostnameResolutionEvent::AddressesFound(_, addresses) = event {
                let addresses = addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr);
                if let Some(address) = best(addresses) {
                    return Some(address);
                }
            }
        }
        None
    };
    let address = tokio::time::timeout(TIMEOUT, first).await.ok().flatten();
    let _ = daemon.stop_resolve_hostname(&question); // an error: it has stopped by itself
    if address.is_none() {
        tracing::debug!("nobody on this network answers to a browser's name");
    }
    Some(with_address(candidate, address?))
}

/// The address to try first. Link-local IPv6 needs a scope that a candidate's line has no place for.
fn best(addresses: impl Iterator<Item = IpAddr>) -> Option<IpAddr> {
    addresses
        .filter(|address| !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .min_by_key(IpAddr::is_ipv6)
}

/// The service that our names are announced under: a responder answers only for hosts that offer one.
const SERVICE: &str = "_maru-path._udp.local.";

/// Names of this machine's addresses, made up for one connection and answered to as long as this value lives.
#[derive(Default)]
pub(super) struct Names(Vec<(IpAddr, Published)>);

struct Published {
    name: String,
    service: String,
}

impl Names {
    /// The name that stands for this address; `None` when nobody would answer to it.
    pub fn of(&mut self, address: IpAddr) -> Option<String> {
        if let Some((_, known)) = self.0.iter().find(|(known, _)| *known == address) {
            return Some(known.name.clone());
        }
        let published = publish(address)?;
        let name = published.name.clone();
        self.0.push((address, published));
        Some(name)
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(daemon) = DAEMON.as_ref() {
            let _ = daemon.unregister(&self.service); // an error: the whole program ends
        }
    }
}

fn publish(address: IpAddr) -> Option<Published> {
    let daemon = DAEMON.as_ref()?;
    let random = || format!("{:08x}{:08x}", super::random_u32(), super::random_u32());
    let (label, instance) = (format!("{}{}", random(), random()), random());
    let name = format!("{label}.local");
    const NO_PORT: u16 = 9; // "discard": there is no such service to be used
    let no_properties: &[(&str, &str)] = &[];
    let service = ServiceInfo::new(SERVICE, &instance, &format!("{name}."), address, NO_PORT, no_properties);
    let mut service = service.inspect_err(|error| tracing::debug!(%error, "an address gets no name")).ok()?;
    // Nobody else made up the same 128 bits, and a peer asks at once.
    service.set_requires_probe(false);
    let service_name = service.get_fullname().to_owned();
    daemon.register(service).inspect_err(|error| tracing::debug!(%error, "an address gets no name")).ok()?;
    Some(Published { name, service: service_name })
}

fn with_address(candidate: &str, address: IpAddr) -> String {
    let fields = candidate.split(' ').enumerate();
    let fields = fields.map(|(index, field)| match index {
        ADDRESS_FIELD => address.to_string(),
        _ => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANDIDATE: &str = "candidate:1 1 udp 2113937151 0a5e8dc4-9f6e-4f8b-8d2c-0b6a3d4c2f11.local 50000 \
                             typ host generation 0";

    #[test]
    fn only_a_single_local_name_is_looked_up() {
        assert_eq!(name(CANDIDATE), Some("0a5e8dc4-9f6e-4f8b-8d2c-0b6a3d4c2f11.local"));
        for other in ["192.168.1.5", "host.example", "printer.office.local", ".local", "local"] {
            assert_eq!(name(&format!("candidate:1 1 udp 1 {other} 5 typ host")), None, "{other}");
        }
        for garbage in ["", "candidate:1 1 udp", "          "] {
            assert_eq!(name(garbage), None);
        }
    }

    #[test]
    fn the_address_takes_the_names_place() {
        let line = with_address(CANDIDATE, [192, 168, 1, 5].into());
        assert_eq!(line, "candidate:1 1 udp 2113937151 192.168.1.5 50000 typ host generation 0");
    }

    #[test]
    fn an_address_that_a_candidate_can_name_is_taken() {
        let all = ["fe80::1", "fd00::2", "192.168.1.5"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(best(all.into_iter()), Some(all[2]));
        assert_eq!(best(all[..2].iter().copied()), Some(all[1]));
        assert_eq!(best(all[..1].iter().copied()), None);
    }

    #[tokio::test]
    async fn a_browsers_name_on_this_network_is_found() {
        let Some(browser) = ServiceDaemon::new().ok() else { return };
        // As a browser does it, but for the service around the name.
        let host = format!("{}.local", uuid_like());
        let service = ServiceInfo::new("_maru-test._udp.local.", &host, &format!("{host}."), "", 9, None)
            .unwrap()
            .enable_addr_auto();
        let events = browser.monitor().unwrap();
        browser.register(service).unwrap();
        let announced = async {
            while let Ok(event) = events.recv_async().await {
                if matches!(event, mdns_sd::DaemonEvent::Announce(..)) {
                    return true;
                }
            }
            false
        };
        // A machine without a network has nobody to ask.
        if tokio::time::timeout(Duration::from_secs(5), announced).await != Ok(true) {
            return;
        }
        let line = format!("candidate:1 1 udp 1 {host} 5000 typ host");
        let resolved = resolve(&line).await.unwrap();
        let address = resolved.split(' ').nth(ADDRESS_FIELD).unwrap();
        assert!(address.parse::<IpAddr>().is_ok(), "{resolved}");
        let _ = browser.shutdown();
    }

    fn uuid_like() -> String {
        let part = crate::peer::random_u32;
        format!("{:08x}-{:08x}", part(), part())
    }
}
