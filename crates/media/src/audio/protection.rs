//! How well a voice has to be protected against loss, from what the peers report of it. One voice is
//! encoded once for all of them, so the worst-off peer decides. Told the time; refuses to know RTCP.

use std::time::{Duration, Instant};

use super::opus::{DEFAULT_BITRATE_BPS, Encoder};
use crate::error::CodecError;

/// A peer that has said nothing for this long counts no more.
const REPORT_TIMEOUT: Duration = Duration::from_secs(12);
/// Reported loss counts at once for half, and fades over about ten reports.
const RISE: f64 = 0.5;
const FALL: f64 = 0.12;
/// Less than this is not worth any bits.
const NEGLIGIBLE: f64 = 0.01;
/// The encoder gains nothing from expecting more.
const MOST_EXPECTED: f64 = 0.3;
/// Deep redundancy pays from this loss on: below it, what FEC cannot mend is rarer than the bits are dear.
const MUCH_LOSS: f64 = 0.12;
/// Its reach in frames of 10 ms, which mends a burst of ten packets, and its cost in bits per second.
const REDUNDANCY: u8 = 20;
const REDUNDANCY_BPS: u32 = 24_000;
/// What FEC may cost in addition, in bits per second, and from which loss on all of it.
const PROTECTION_BPS: f64 = 24_000.0;
const FULL_PROTECTION: f64 = 0.1;
/// Below this much for everything, the voice gives way too.
const NARROW_PATH_BPS: u32 = 250_000;
const NARROW_BITRATE_BPS: u32 = 20_000;

/// What to ask the encoder for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Bits per second, protection included.
    pub bitrate_bps: u32,
    /// Packets in a hundred that will be lost.
    pub expected_loss: u8,
    /// How far deep redundancy reaches back, in frames of 10 ms.
    pub redundancy: u8,
}

impl Plan {
    /// Makes the encoder do so.
    ///
    /// # Errors
    /// [`CodecError`] when it does not.
    pub fn apply(&self, encoder: &mut Encoder) -> Result<(), CodecError> {
        encoder.set_bitrate(self.bitrate_bps)?;
        encoder.set_expected_loss(self.expected_loss)?;
        encoder.set_redundancy(self.redundancy)
    }
}

struct PeerLoss {
    peer: u32,
    loss: f64,
    reported: Instant,
    understands_redundancy: bool,
}

/// Keeps what each peer reported.
#[derive(Default)]
pub struct Protection {
    peers: Vec<PeerLoss>,
}

impl Protection {
    /// Nobody has reported anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// A peer reports that this share of our voice's packets, 0 to 1, was lost. Whether it can make use of
    /// deep redundancy is said along.
    pub fn report(&mut self, now: Instant, peer: u32, loss: f64, understands_redundancy: bool) {
        let loss = if loss.is_finite() { loss.clamp(0.0, 1.0) } else { return };
        self.peers.retain(|known| now.saturating_duration_since(known.reported) < REPORT_TIMEOUT);
        match self.peers.iter_mut().find(|known| known.peer == peer) {
            Some(known) => {
                known.loss += (loss - known.loss) * if loss > known.loss { RISE } else { FALL };
                known.reported = now;
                known.understands_redundancy = understands_redundancy;
            }
            None => {
                self.peers.push(PeerLoss { peer, loss: loss * RISE, reported: now, understands_redundancy })
            }
        }
    }

    /// A peer is gone.
    pub fn forget(&mut self, peer: u32) {
        self.peers.retain(|known| known.peer != peer);
    }

    /// What to ask for now, on a path that has `path_bps` for everything.
    pub fn plan(&self, now: Instant, path_bps: u32) -> Plan {
        let worst = |filter: fn(&PeerLoss) -> bool| {
            self.peers
                .iter()
                .filter(|peer| now.saturating_duration_since(peer.reported) < REPORT_TIMEOUT && filter(peer))
                .map(|peer| peer.loss)
                .filter(|loss| *loss >= NEGLIGIBLE)
                .fold(0.0, f64::max)
        };
        let loss = worst(|_| true);
        let expected_loss = (loss.min(MOST_EXPECTED) * 100.0).ceil() as u8;
        if path_bps < NARROW_PATH_BPS {
            // Where there is no room, FEC has to come out of the voice's own bits.
            return Plan { bitrate_bps: NARROW_BITRATE_BPS, expected_loss, redundancy: 0 };
        }
        let redundant = worst(|peer| peer.understands_redundancy) >= MUCH_LOSS;
        let fec_bps = PROTECTION_BPS * (loss / FULL_PROTECTION).min(1.0);
        Plan {
            bitrate_bps: DEFAULT_BITRATE_BPS + fec_bps as u32 + if redundant { REDUNDANCY_BPS } else { 0 },
            expected_loss,
            redundancy: if redundant { REDUNDANCY } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: u32 = 2_000_000;

    #[test]
    fn nothing_is_spent_while_nothing_is_lost() {
        let now = Instant::now();
        let mut protection = Protection::new();
        let none = Plan { bitrate_bps: DEFAULT_BITRATE_BPS, expected_loss: 0, redundancy: 0 };
        assert_eq!(protection.plan(now, WIDE), none);
        protection.report(now, 1, 0.0, true);
        protection.report(now, 2, f64::NAN, true);
        assert_eq!(protection.plan(now, WIDE), none);
    }

    #[test]
    fn the_worst_off_peer_decides_and_is_forgotten_when_it_goes() {
        let mut now = Instant::now();
        let mut protection = Protection::new();
        for _ in 0..10 {
            protection.report(now, 1, 0.02, false);
            protection.report(now, 2, 0.2, true);
            now += Duration::from_secs(1);
        }
        let plan = protection.plan(now, WIDE);
        assert_eq!((plan.expected_loss, plan.redundancy), (20, REDUNDANCY));
        assert!(plan.bitrate_bps > DEFAULT_BITRATE_BPS);
        protection.forget(2);
        let plan = protection.plan(now, WIDE);
        assert_eq!((plan.expected_loss, plan.redundancy), (2, 0), "who is left does not know redundancy");
        assert_eq!(protection.plan(now + REPORT_TIMEOUT, WIDE).expected_loss, 0);
    }

    #[test]
    fn it_comes_quickly_and_goes_slowly() {
        let mut now = Instant::now();
        let mut protection = Protection::new();
        protection.report(now, 1, 0.0, true);
        for _ in 0..3 {
            now += Duration::from_secs(1);
            protection.report(now, 1, 0.1, true);
        }
        assert!(protection.plan(now, WIDE).expected_loss >= 8);
        now += Duration::from_secs(1);
        protection.report(now, 1, 0.0, true);
        assert!(protection.plan(now, WIDE).expected_loss >= 7);
        for _ in 0..30 {
            now += Duration::from_secs(1);
            protection.report(now, 1, 0.0, true);
        }
        assert_eq!(protection.plan(now, WIDE).expected_loss, 0);
    }

    #[test]
    fn on_a_narrow_path_protection_costs_nothing_more() {
        let now = Instant::now();
        let mut protection = Protection::new();
        protection.report(now, 1, 0.4, true);
        let plan = protection.plan(now, 100_000);
        assert_eq!(plan.bitrate_bps, NARROW_BITRATE_BPS);
        assert!(plan.expected_loss > 0);
    }
}
