//! How well a voice has to be protected against loss, from what the peers report of it. One voice is
//! encoded once for all of them, so the worst-off peer decides. Told the time; refuses to know RTCP.

use std::time::{Duration, Instant};

use super::opus::{DEFAULT_BITRATE_BPS, Encoder};
use super::red::MAX_REPEATS;
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
/// What was sent is sent again from these losses on, once or twice, and no more below those: that mends
/// what is lost as it was, while FEC mends with less than that.
const REPEAT_FROM: [f64; MAX_REPEATS] = [0.02, 0.04];
const REPEAT_TO: [f64; MAX_REPEATS] = [0.01, 0.025];
/// The voice with all it repeats may take this part of a path.
const REPEAT_SHARE: u32 = 4;
/// Deep redundancy pays from this loss on: below it, what is not mended otherwise is rarer than the bits
/// are dear.
const MUCH_LOSS: f64 = 0.08;
/// Its reach in frames of 10 ms, which mends a burst of ten packets, and its cost in bits per second.
const REDUNDANCY: u8 = 20;
const REDUNDANCY_BPS: u32 = 24_000;
/// What FEC may cost in addition, in bits per second, and from which loss on all of it.
const FEC_BPS: f64 = 24_000.0;
const FULL_FEC: f64 = 0.1;
/// Below this much for everything, the voice gives way too.
const NARROW_PATH_BPS: u32 = 250_000;
const NARROW_BITRATE_BPS: u32 = 20_000;

/// What to ask the encoder for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Bits per second, protection included but for what is sent again.
    pub bitrate_bps: u32,
    /// Packets in a hundred that will be lost.
    pub expected_loss: u8,
    /// Whether a packet describes the one before it, for peers to which nothing is sent again.
    pub fec: bool,
    /// How far deep redundancy reaches back, in frames of 10 ms.
    pub redundancy: u8,
}

impl Plan {
    /// What an encoder does that was told nothing.
    pub const UNPROTECTED: Self =
        Self { bitrate_bps: DEFAULT_BITRATE_BPS, expected_loss: 0, fec: true, redundancy: 0 };

    /// Makes the encoder do so.
    ///
    /// # Errors
    /// [`CodecError`] when it does not.
    pub fn apply(&self, encoder: &mut Encoder) -> Result<(), CodecError> {
        encoder.set_bitrate(self.bitrate_bps)?;
        encoder.set_expected_loss(self.expected_loss)?;
        encoder.set_fec(self.fec)?;
        encoder.set_redundancy(self.redundancy)
    }
}

/// What a peer can make use of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Understands {
    /// Opus's deep redundancy.
    pub deep_redundancy: bool,
    /// Packets that carry those before them (RFC 2198).
    pub repeats: bool,
}

struct PeerLoss {
    peer: u32,
    loss: f64,
    reported: Instant,
    understands: Understands,
    /// How many packets it is sent again with each, where there is room.
    repeats: usize,
}

impl PeerLoss {
    fn update(&mut self) {
        if !self.understands.repeats {
            self.repeats = 0;
            return;
        }
        let wanted = |limits: [f64; MAX_REPEATS]| limits.iter().filter(|limit| self.loss >= **limit).count();
        self.repeats = self.repeats.clamp(wanted(REPEAT_FROM), wanted(REPEAT_TO));
    }

    fn is_young(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.reported) < REPORT_TIMEOUT
    }
}

/// Keeps what each peer reported.
#[derive(Default)]
pub struct Protection {
    peers: Vec<PeerLoss>,
    /// What the last plan leaves room for.
    most_repeats: usize,
}

impl Protection {
    /// Nobody has reported anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// A peer reports that this share of our voice's packets, 0 to 1, was lost. What it can make use of is
    /// said along.
    pub fn report(&mut self, now: Instant, peer: u32, loss: f64, understands: Understands) {
        let loss = if loss.is_finite() { loss.clamp(0.0, 1.0) } else { return };
        self.peers.retain(|known| known.is_young(now));
        let known = match self.peers.iter().position(|known| known.peer == peer) {
            Some(place) => &mut self.peers[place],
            None => {
                self.peers.push(PeerLoss { peer, loss: 0.0, reported: now, understands, repeats: 0 });
                let place = self.peers.len() - 1;
                &mut self.peers[place]
            }
        };
        known.loss += (loss - known.loss) * if loss > known.loss { RISE } else { FALL };
        (known.reported, known.understands) = (now, understands);
        known.update();
    }

    /// A peer is gone.
    pub fn forget(&mut self, peer: u32) {
        self.peers.retain(|known| known.peer != peer);
    }

    /// How many of the packets before it each packet to this peer carries again now.
    pub fn repeats(&self, now: Instant, peer: u32) -> u8 {
        let known = self.peers.iter().find(|known| known.peer == peer && known.is_young(now));
        known.map_or(0, |known| known.repeats.min(self.most_repeats) as u8)
    }

    /// What to ask for now, on a path that has `path_bps` for everything.
    pub fn plan(&mut self, now: Instant, path_bps: u32) -> Plan {
        let room = path_bps / REPEAT_SHARE / DEFAULT_BITRATE_BPS;
        let narrow = path_bps < NARROW_PATH_BPS;
        self.most_repeats = if narrow { 0 } else { (room as usize).saturating_sub(1).min(MAX_REPEATS) };
        let most_repeats = self.most_repeats;
        let worst = |filter: &dyn Fn(&PeerLoss) -> bool| {
            let peers = self.peers.iter().filter(|peer| peer.is_young(now) && filter(peer));
            peers.map(|peer| peer.loss).filter(|loss| *loss >= NEGLIGIBLE).fold(0.0, f64::max)
        };
        let loss = worst(&|_| true);
        let expected_loss = (loss.min(MOST_EXPECTED) * 100.0).ceil() as u8;
        if narrow {
            // Where there is no room, FEC has to come out of the voice's own bits.
            let bitrate_bps = NARROW_BITRATE_BPS;
            return Plan { bitrate_bps, expected_loss, fec: true, redundancy: 0 };
        }
        let redundant = worst(&|peer| peer.understands.deep_redundancy) >= MUCH_LOSS;
        let by_fec = worst(&|peer| peer.repeats.min(most_repeats) == 0);
        let fec_bps = (FEC_BPS * (by_fec / FULL_FEC).min(1.0)) as u32;
        let redundancy_bps = if redundant { REDUNDANCY_BPS } else { 0 };
        Plan {
            bitrate_bps: DEFAULT_BITRATE_BPS + fec_bps + redundancy_bps,
            expected_loss,
            fec: loss == 0.0 || by_fec > 0.0,
            redundancy: if redundant { REDUNDANCY } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: u32 = 2_000_000;
    const ALL: Understands = Understands { deep_redundancy: true, repeats: true };
    const DEEP: Understands = Understands { deep_redundancy: true, repeats: false };
    const REPEATS: Understands = Understands { deep_redundancy: false, repeats: true };
    const NONE: Understands = Understands { deep_redundancy: false, repeats: false };

    #[test]
    fn nothing_is_spent_while_nothing_is_lost() {
        let now = Instant::now();
        let mut protection = Protection::new();
        assert_eq!(protection.plan(now, WIDE), Plan::UNPROTECTED);
        protection.report(now, 1, 0.0, ALL);
        protection.report(now, 2, f64::NAN, ALL);
        assert_eq!(protection.plan(now, WIDE), Plan::UNPROTECTED);
        assert_eq!((protection.repeats(now, 1), protection.repeats(now, 3)), (0, 0));
    }

    #[test]
    fn the_worst_off_peer_decides_and_is_forgotten_when_it_goes() {
        let mut now = Instant::now();
        let mut protection = Protection::new();
        for _ in 0..10 {
            protection.report(now, 1, 0.02, NONE);
            protection.report(now, 2, 0.2, DEEP);
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
    fn each_peer_gets_as_much_again_as_its_own_loss_asks_for_and_the_path_has_room_for() {
        let mut now = Instant::now();
        let mut protection = Protection::new();
        for _ in 0..20 {
            for (peer, loss, understands) in
                [(1, 0.2, ALL), (2, 0.03, REPEATS), (3, 0.0, ALL), (4, 0.2, DEEP)]
            {
                protection.report(now, peer, loss, understands);
            }
            now += Duration::from_secs(1);
        }
        let repeats = |protection: &Protection| [1, 2, 3, 4].map(|peer| protection.repeats(now, peer));
        protection.plan(now, WIDE);
        assert_eq!(repeats(&protection), [2, 1, 0, 0]);
        protection.plan(now, 600_000);
        assert_eq!(repeats(&protection), [1, 1, 0, 0]);
        protection.plan(now, 100_000);
        assert_eq!(repeats(&protection), [0, 0, 0, 0]);
        protection.plan(now, WIDE);
        assert_eq!(protection.repeats(now + REPORT_TIMEOUT, 1), 0);
        protection.report(now, 1, 0.0, NONE);
        assert_eq!(protection.repeats(now, 1), 0, "a new description takes it back");
    }

    #[test]
    fn fec_is_for_those_to_whom_nothing_is_sent_again() {
        let now = Instant::now();
        let mut protection = Protection::new();
        protection.report(now, 1, 0.1, REPEATS);
        let plan = protection.plan(now, WIDE);
        assert_eq!((plan.fec, plan.bitrate_bps, plan.expected_loss), (false, DEFAULT_BITRATE_BPS, 5));
        protection.report(now, 2, 0.1, NONE);
        let plan = protection.plan(now, WIDE);
        assert!(plan.fec && plan.bitrate_bps > DEFAULT_BITRATE_BPS);
        protection.forget(2);
        assert!(protection.plan(now, 100_000).fec, "there is no room to send anything again");
    }

    #[test]
    fn it_comes_quickly_and_goes_slowly() {
        let mut now = Instant::now();
        let mut protection = Protection::new();
        protection.plan(now, WIDE);
        protection.report(now, 1, 0.0, ALL);
        for _ in 0..3 {
            now += Duration::from_secs(1);
            protection.report(now, 1, 0.1, ALL);
        }
        assert!(protection.plan(now, WIDE).expected_loss >= 8);
        assert_eq!(protection.repeats(now, 1), 2);
        now += Duration::from_secs(1);
        protection.report(now, 1, 0.0, ALL);
        assert!(protection.plan(now, WIDE).expected_loss >= 7);
        let mut before = 2;
        for _ in 0..30 {
            now += Duration::from_secs(1);
            protection.report(now, 1, 0.0, ALL);
            let repeats = protection.repeats(now, 1);
            assert!(repeats <= before);
            before = repeats;
        }
        assert_eq!((protection.plan(now, WIDE).expected_loss, before), (0, 0));
    }

    #[test]
    fn on_a_narrow_path_protection_costs_nothing_more() {
        let now = Instant::now();
        let mut protection = Protection::new();
        protection.report(now, 1, 0.4, ALL);
        let plan = protection.plan(now, 100_000);
        assert_eq!(plan.bitrate_bps, NARROW_BITRATE_BPS);
        assert!(plan.expected_loss > 0 && plan.fec);
    }
}
