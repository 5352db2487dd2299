//! How often somebody who has not said who it is gets an answer. An answer is a little longer than its
//! question, and over UDP the asker's address may be borrowed: nobody is to be flooded by way of this
//! server. Told the time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::addresses::network;

/// Answers for one address in a second: enough for hundreds of clients behind one, 65 KB for a victim.
const PER_SECOND: u32 = 500;

/// Addresses that are remembered within a second.
const ADDRESSES: usize = 65_536;

/// See the module.
#[derive(Debug)]
pub(super) struct Strangers {
    since: Instant,
    answered: HashMap<IpAddr, u32>,
}

impl Strangers {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, answered: HashMap::new() }
    }

    /// Whether this address gets one more answer.
    pub(super) fn may_have(&mut self, now: Instant, ip: IpAddr) -> bool {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            self.answered.clear();
            self.since = now;
        }
        let ip = network(ip);
        if self.answered.len() >= ADDRESSES && !self.answered.contains_key(&ip) {
            return false;
        }
        let answered = self.answered.entry(ip).or_insert(0);
        *answered += 1;
        *answered <= PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_gets_so_many_answers_a_second_and_others_are_not_concerned() {
        let now = Instant::now();
        let mut strangers = Strangers::new(now);
        let ada = "203.0.113.1".parse().unwrap();
        let answers =
            |strangers: &mut Strangers, now| (0..1000).filter(|_| strangers.may_have(now, ada)).count();
        assert_eq!(answers(&mut strangers, now), PER_SECOND as usize);
        assert!(strangers.may_have(now, "203.0.113.2".parse().unwrap()));
        assert_eq!(answers(&mut strangers, now + Duration::from_secs(1)), PER_SECOND as usize);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut strangers = Strangers::new(now);
        for n in 0..ADDRESSES as u32 * 2 {
            strangers.may_have(now, std::net::Ipv4Addr::from_bits(n).into());
        }
        assert_eq!(strangers.answered.len(), ADDRESSES);
    }
}
