//! Sequence numbers and timestamps of one stream, made 64 bits wide (RFC 3550, appendix A.1), and
//! packets that cannot be of that stream told apart from a stream that begins anew.

/// A jump of the sequence number by more than this is not of the same stream.
const MAX_SEQUENCE_JUMP: i64 = 500;
/// A jump of the timestamp by more than this (10 s) is not of the same stream.
const MAX_TIMESTAMP_JUMP: i64 = 480_000;

/// What a packet's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// It is of the stream so far.
    Known { sequence: i64, timestamp: i64 },
    /// A stream begins with it.
    First { sequence: i64, timestamp: i64 },
    /// It has come before.
    Duplicate,
    /// It does not fit. When the next one follows it, a new stream has begun.
    Stray,
}

/// What is known of the stream's numbers.
#[derive(Default)]
pub(super) struct Widener {
    newest: Option<(i64, i64)>,
    /// Bit `n`: the packet with a number `n` lower than the newest has come.
    seen: u64,
    stray: Option<(u16, u32)>,
}

impl Widener {
    pub fn widen(&mut self, sequence: u16, timestamp: u32) -> Numbers {
        let Some((newest, newest_timestamp)) = self.newest else {
            return self.begin(sequence, timestamp);
        };
        let ahead = i64::from(sequence.wrapping_sub(newest as u16) as i16);
        let later = i64::from(timestamp.wrapping_sub(newest_timestamp as u32) as i32);
        let same_way = ahead.signum() == later.signum();
        if same_way && ahead.abs() <= MAX_SEQUENCE_JUMP && later.abs() <= MAX_TIMESTAMP_JUMP {
            self.stray = None;
            let (sequence, timestamp) = (newest + ahead, newest_timestamp + later);
            if ahead > 0 {
                self.newest = Some((sequence, timestamp));
                self.seen = self.seen.checked_shl(ahead as u32).unwrap_or(0) | 1;
            } else if let Some(bit) = 1_u64.checked_shl(ahead.unsigned_abs() as u32) {
                if self.seen & bit != 0 {
                    return Numbers::Duplicate;
                }
                self.seen |= bit;
            }
            return Numbers::Known { sequence, timestamp };
        }
        let follows = self.stray.is_some_and(|(before, before_timestamp)| {
            let step = i64::from(timestamp.wrapping_sub(before_timestamp));
            sequence == before.wrapping_add(1) && (1..=MAX_TIMESTAMP_JUMP).contains(&step)
        });
        if follows {
            return self.begin(sequence, timestamp);
        }
        self.stray = Some((sequence, timestamp));
        Numbers::Stray
    }

    /// The numbers of a packet of the stream so far that has not come, where one behind it tells them.
    pub fn missing(&self, sequence: u16, timestamp: u32) -> Option<(i64, i64)> {
        let (newest, newest_timestamp) = self.newest?;
        let behind = -i64::from(sequence.wrapping_sub(newest as u16) as i16);
        let older = -i64::from(timestamp.wrapping_sub(newest_timestamp as u32) as i32);
        let bit = 1_u64.checked_shl(u32::try_from(behind).ok()?)?;
        let fits = behind > 0 && (1..=MAX_TIMESTAMP_JUMP).contains(&older) && self.seen & bit == 0;
        fits.then_some((newest - behind, newest_timestamp - older))
    }

    /// By how many samples the newest packet is newer.
    pub fn age(&self, timestamp: u32) -> Option<i64> {
        let (_, newest) = self.newest?;
        Some((newest as u32).wrapping_sub(timestamp).cast_signed().into())
    }

    fn begin(&mut self, sequence: u16, timestamp: u32) -> Numbers {
        let (sequence, timestamp) = (i64::from(sequence), i64::from(timestamp));
        self.stray = None;
        self.newest = Some((sequence, timestamp));
        self.seen = 1;
        Numbers::First { sequence, timestamp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_over_their_ends() {
        let mut widener = Widener::default();
        widener.widen(65_534, u32::MAX - 1000);
        assert_eq!(
            widener.widen(1, 1879),
            Numbers::Known { sequence: 65_537, timestamp: i64::from(u32::MAX) + 1880 }
        );
        assert_eq!(
            widener.widen(65_535, u32::MAX - 40),
            Numbers::Known { sequence: 65_535, timestamp: i64::from(u32::MAX) - 40 },
            "late"
        );
        assert_eq!(widener.widen(65_535, u32::MAX - 40), Numbers::Duplicate);
        assert_eq!(widener.widen(1, 1879), Numbers::Duplicate);
        assert_eq!(widener.newest.unwrap().0, 65_537);
    }

    #[test]
    fn only_packets_that_did_not_come_are_missing() {
        let mut widener = Widener::default();
        assert_eq!(widener.missing(1, 960), None);
        widener.widen(65_534, u32::MAX - 959);
        widener.widen(1, 1920); // 65535 and 0 are lost
        let first = i64::from(u32::MAX) + 1 - 960;
        assert_eq!(widener.missing(0, 960), Some((65_536, first + 1920)));
        assert_eq!(widener.missing(65_535, 0), Some((65_535, first + 960)));
        for (sequence, timestamp) in [(65_534, u32::MAX - 959), (1, 1920), (2, 2880), (0, 1920), (0, 1921)] {
            assert_eq!(widener.missing(sequence, timestamp), None, "{sequence}");
        }
        assert_eq!(widener.missing(60_000, 960), None, "nobody knows whether it came");
    }

    #[test]
    fn one_packet_that_does_not_fit_changes_nothing_and_two_in_a_row_begin_anew() {
        let mut widener = Widener::default();
        widener.widen(100, 96_000);
        for (sequence, timestamp) in [(30_000, 96_960), (101, 5), (99, 200_000), (102, 4_000_000_000)] {
            assert_eq!(widener.widen(sequence, timestamp), Numbers::Stray);
        }
        assert_eq!(widener.widen(101, 96_960), Numbers::Known { sequence: 101, timestamp: 96_960 });
        assert_eq!(widener.widen(40_000, 5), Numbers::Stray);
        assert_eq!(widener.widen(40_001, 965), Numbers::First { sequence: 40_001, timestamp: 965 });
    }
}
