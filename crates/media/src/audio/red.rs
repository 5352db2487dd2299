//! Redundant audio data (RFC 2198): a packet that carries, before its own sound, that of the packets
//! before it, so that a lost one comes with the next. Knows the format; refuses to know when to use it
//! and RTP headers.
//!
//! Each repeated block begins with four bytes: payload type, by how many samples it is older, length; the
//! packet's own block with one: its payload type.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use super::opus::{begins_pause, packet_samples, without_padding};

/// Packets that are repeated at most, by us and by whom we believe.
pub const MAX_REPEATS: usize = 2;
/// Blocks that a peer's packet may have before its own.
const MAX_BLOCKS: usize = 8;
/// What a header can say: 14 bits of age, 10 bits of length.
const MAX_AGE: u32 = (1 << 14) - 1;
const MAX_LENGTH: usize = (1 << 10) - 1;
/// A packet stays below what every path carries.
const MAX_PACKET: usize = 1_100;
const FOLLOWED: u8 = 0x80;

/// What a packet repeats of one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// How many packets before.
    pub packets: u16,
    /// How many samples before.
    pub samples: u32,
    /// That packet's payload, or one like it.
    pub payload: Bytes,
}

/// A payload taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The packet's own payload.
    pub payload: Bytes,
    /// What it repeats, the newest first.
    pub repeated: Vec<Repeated>,
}

/// Takes a payload apart; `voice` are the payload types that stand for Opus. `None` where it contradicts
/// itself or its own block is of another kind, such as redundancy in redundancy.
pub fn split(payload: &Bytes, voice: &[u8]) -> Option<Split> {
    let mut headers = Vec::new();
    let mut at = 0;
    let own = loop {
        let first = *payload.get(at)?;
        if first & FOLLOWED == 0 {
            at += 1;
            break first;
        }
        let &[_, high, middle, low] = payload.get(at..at + 4)? else { return None };
        let age = u32::from(high) << 6 | u32::from(middle) >> 2;
        let length = usize::from(middle & 3) << 8 | usize::from(low);
        if headers.len() == MAX_BLOCKS {
            return None;
        }
        headers.push((first & !FOLLOWED, age, length));
        at += 4;
    };
    let mut blocks = Vec::with_capacity(headers.len());
    for (kind, age, length) in headers {
        let end = at + length;
        if end > payload.len() {
            return None;
        }
        blocks.push((kind, age, payload.slice(at..end)));
        at = end;
    }
    if !voice.contains(&own) || at == payload.len() {
        return None;
    }
    // Which packet a block repeats is not said. Where each follows the next older one without a gap, or
    // after a pause, it is the one before.
    let mut repeated = Vec::new();
    let mut next = 0;
    for (packets, (kind, samples, payload)) in (1..).zip(blocks.into_iter().rev()) {
        let length = packet_samples(&payload).and_then(|length| u32::try_from(length).ok());
        let follows = length.is_some_and(|length| {
            samples == next + length || samples > next + length && begins_pause(&payload)
        });
        if !voice.contains(&kind) || !follows {
            break;
        }
        next = samples;
        repeated.push(Repeated { packets, samples, payload });
    }
    Some(Split { payload: payload.slice(at..), repeated })
}

/// Repeats to one peer what was sent to it before.
#[derive(Default)]
pub struct Repeater {
    /// The newest first: timestamp and payload.
    sent: VecDeque<(u32, Bytes)>,
}

impl Repeater {
    /// A payload with the `repeats` before it, for a peer to which `voice` is the payload type of Opus.
    /// `None` where there is nothing to repeat, or it shall not: then it is sent as it is.
    pub fn join(&mut self, timestamp: u32, payload: &Bytes, repeats: u8, voice: u8) -> Option<Bytes> {
        let joined = self.joined(timestamp, payload, repeats, voice);
        self.sent.truncate(MAX_REPEATS - 1);
        // Deep redundancy is not repeated: each packet has its own.
        self.sent.push_front((timestamp, without_padding(payload)));
        joined
    }

    fn joined(&self, timestamp: u32, payload: &Bytes, repeats: u8, voice: u8) -> Option<Bytes> {
        let mut size = 1 + payload.len();
        let mut blocks = 0;
        for (before, repeated) in self.sent.iter().take(repeats.into()) {
            size += 4 + repeated.len();
            let fits = repeated.len() <= MAX_LENGTH && size <= MAX_PACKET;
            if timestamp.wrapping_sub(*before) > MAX_AGE || !fits {
                break;
            }
            blocks += 1;
        }
        if blocks == 0 {
            return None;
        }
        let mut joined = BytesMut::with_capacity(MAX_PACKET);
        for (before, repeated) in self.sent.range(..blocks).rev() {
            let (age, length) = (timestamp.wrapping_sub(*before), repeated.len() as u32);
            joined.put_u8(FOLLOWED | voice);
            joined.put_uint((age << 10 | length).into(), 3);
        }
        joined.put_u8(voice);
        for (_, repeated) in self.sent.range(..blocks).rev() {
            joined.put_slice(repeated);
        }
        joined.put_slice(payload);
        Some(joined.freeze())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VOICE: u8 = 111;

    /// 20 ms by its first byte, never decoded here.
    fn payload(number: u8) -> Bytes {
        Bytes::from(vec![0x78, number, number])
    }

    #[test]
    fn what_was_joined_comes_apart_again() {
        let mut repeater = Repeater::default();
        assert_eq!(repeater.join(960, &payload(1), 2, VOICE), None, "nothing before it");
        let joined = repeater.join(1920, &payload(2), 2, VOICE).unwrap();
        let one = Repeated { packets: 1, samples: 960, payload: payload(1) };
        assert_eq!(split(&joined, &[VOICE]), Some(Split { payload: payload(2), repeated: vec![one] }));
        let joined = repeater.join(2880, &payload(3), 2, VOICE).unwrap();
        let both = vec![
            Repeated { packets: 1, samples: 960, payload: payload(2) },
            Repeated { packets: 2, samples: 1920, payload: payload(1) },
        ];
        assert_eq!(split(&joined, &[VOICE]), Some(Split { payload: payload(3), repeated: both }));
        assert_eq!(
            split(&repeater.join(3840, &payload(4), 1, VOICE).unwrap(), &[VOICE]).unwrap().repeated.len(),
            1
        );
        assert_eq!(repeater.join(4800, &payload(5), 0, VOICE), None);
    }

    #[test]
    fn timestamps_go_on_over_their_end_and_what_is_too_old_is_not_repeated() {
        let mut repeater = Repeater::default();
        repeater.join(u32::MAX - 100, &payload(1), 1, VOICE);
        let joined = repeater.join(859, &payload(2), 1, VOICE).unwrap();
        assert_eq!(split(&joined, &[VOICE]).unwrap().repeated[0].samples, 960);
        assert_eq!(repeater.join(859 + 16_384, &payload(3), 2, VOICE), None);
        let long = Bytes::from(vec![0x78; 1024]);
        repeater.join(17_243 + 960, &long, 2, VOICE);
        assert_eq!(repeater.join(17_243 + 1920, &payload(4), 2, VOICE), None, "the length has no room");
    }

    #[test]
    fn after_a_gap_only_a_pause_is_taken_for_the_packet_before() {
        let pause = Bytes::from_static(&[0x78, 0]);
        for (before, expected) in [(pause, 1), (payload(1), 0)] {
            let mut repeater = Repeater::default();
            repeater.join(0, &before, 1, VOICE);
            let joined = repeater.join(9_600, &payload(2), 1, VOICE).unwrap();
            assert_eq!(split(&joined, &[VOICE]).unwrap().repeated.len(), expected);
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let refused: [&[u8]; 8] = [
            &[],
            &[VOICE],
            // Headers that end in their middle, or are never followed by the packet's own.
            &[0x80 | VOICE, 0, 0],
            &[0x80 | VOICE, 0, 0, 1],
            // A block longer than the packet; one that leaves nothing for the packet's own.
            &[0x80 | VOICE, 0x0f, 3, 0xff, VOICE, 0x78, 1, 2],
            &[0x80 | VOICE, 0x0f, 0, 2, VOICE, 0x78, 1],
            // Redundancy in redundancy.
            &[63, VOICE, 0x78, 1],
            &[0xff; 100],
        ];
        for payload in refused {
            assert_eq!(split(&Bytes::from_static(payload), &[VOICE]), None, "{payload:?}");
        }
        let many = [[0x80 | VOICE, 0, 0, 0]; 9].concat();
        assert_eq!(split(&[many, vec![VOICE, 0x78]].concat().into(), &[VOICE]), None);
        // Redundancy in the repeated part is left out, the packet's own sound is used.
        let nested = Bytes::from_static(&[0x80 | 63, 0x0f, 0, 2, VOICE, VOICE, 0x78, 0x78, 1]);
        let split = split(&nested, &[VOICE]).unwrap();
        assert_eq!((&split.payload[..], split.repeated.len()), (&[0x78, 1][..], 0));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_comes_out_is_of_what_went_in(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let payload = Bytes::from(bytes);
            if let Some(split) = split(&payload, &[VOICE, 0x11]) {
                let repeated: usize = split.repeated.iter().map(|repeated| repeated.payload.len()).sum();
                prop_assert!(!split.payload.is_empty());
                prop_assert!(split.payload.len() + repeated < payload.len());
                prop_assert!(split.repeated.is_sorted_by(|a, b| a.samples < b.samples && a.packets < b.packets));
            }
        }

        #[test]
        fn whatever_is_joined_comes_apart_again(
            lengths in proptest::collection::vec(3_usize..600, 1..12),
            repeats in 0_u8..4,
        ) {
            let mut repeater = Repeater::default();
            for (number, length) in lengths.iter().enumerate() {
                let payload = Bytes::from(vec![0x78; *length]);
                let timestamp = number as u32 * 960;
                if let Some(joined) = repeater.join(timestamp, &payload, repeats, VOICE) {
                    prop_assert!(joined.len() <= MAX_PACKET);
                    let split = split(&joined, &[VOICE]).unwrap();
                    prop_assert_eq!(split.payload, payload);
                    for repeated in split.repeated {
                        let before = number - usize::from(repeated.packets);
                        prop_assert_eq!(repeated.payload.len(), lengths[before]);
                        prop_assert_eq!(repeated.samples, u32::from(repeated.packets) * 960);
                    }
                }
            }
        }
    }
}
