//! The packets of one video stream that are not settled yet, in the order of their sequence
//! numbers. Knows frame boundaries and gaps, nothing of what a payload means.

use std::ops::Range;
use std::time::Instant;

use crate::video::receive::VideoPacket;

/// Packets that the window spans: more than any frame has, three seconds of a usual stream.
const SPAN: usize = 1024;
/// Bytes that it holds.
const MAX_BYTES: usize = 4 << 20;
/// A jump of more than this is a new stream, not a loss: 10 s of a usual stream.
const MAX_JUMP: i64 = 3000;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insert {
    /// It is in the window.
    Stored,
    /// It was there already.
    Duplicate,
    /// Its place was passed already.
    Late,
    /// It does not fit before the head is at this number. Insert it again then.
    NeedsHead(i64),
    /// It belongs to a new stream. Insert it again after [`Window::clear`].
    Jump,
}

/// How the frame at the head stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// All packets up to and without this one are there.
    Complete(i64),
    /// An empty packet that belongs to no frame.
    Padding,
    /// Its packets are still coming, none is overdue.
    Open,
    /// A packet is missing although a later one is there.
    Gap {
        /// When the first later one arrived.
        since: Instant,
        /// The number of the first later one.
        behind: i64,
    },
}

/// Packets by sequence number, made 64 bits wide.
pub(super) struct Window {
    /// The packet with number n is in slot n mod [`SPAN`].
    slots: Vec<Option<VideoPacket>>,
    /// Everything before is settled.
    head: i64,
    /// The highest number seen.
    highest: i64,
    bytes: usize,
    /// Nothing was settled yet: the head may still move back for packets that came out of order.
    fresh: bool,
    empty: bool,
}

impl Window {
    pub fn new() -> Self {
        let slots = (0..SPAN).map(|_| None).collect();
        Self { slots, head: 0, highest: 0, bytes: 0, fresh: true, empty: true }
    }

    /// Where the unsettled packets begin.
    pub fn head(&self) -> i64 {
        self.head
    }

    /// Where the unsettled packets end: one behind the highest.
    pub fn end(&self) -> i64 {
        (self.highest + 1).max(self.head)
    }

    /// The packet with this number.
    pub fn get(&self, number: i64) -> Option<&VideoPacket> {
        if !(self.head..=self.highest).contains(&number) {
            return None;
        }
        self.slots[slot(number)].as_ref()
    }

    /// The packets in a range of numbers, those that are there.
    pub fn packets(&self, range: Range<i64>) -> impl Iterator<Item = (i64, &VideoPacket)> + Clone {
        range.filter_map(|number| Some((number, self.get(number)?)))
    }

    /// Puts a packet in.
    pub fn insert(&mut self, packet: &VideoPacket) -> Insert {
        if self.empty {
            (self.head, self.highest) = (i64::from(packet.sequence), i64::from(packet.sequence));
            self.empty = false;
        }
        // RFC 3550, appendix A.1: the nearest number that has these 16 low bits.
        let number = self.highest + i64::from(packet.sequence.wrapping_sub(self.highest as u16) as i16);
        if (number - self.highest).abs() > MAX_JUMP {
            return Insert::Jump;
        }
        if number < self.head {
            if !self.fresh || self.highest - number >= SPAN as i64 {
                return Insert::Late;
            }
            self.head = number;
        }
        if self.get(number).is_some() {
            return Insert::Duplicate;
        }
        let lowest = number - SPAN as i64 + 1;
        if lowest > self.head {
            return Insert::NeedsHead(lowest);
        }
        let bytes = self.bytes + packet.payload.len();
        if bytes > MAX_BYTES && self.bytes > 0 {
            return Insert::NeedsHead(self.head + 1);
        }
        self.bytes = bytes;
        self.highest = self.highest.max(number);
        self.slots[slot(number)] = Some(packet.clone());
        Insert::Stored
    }

    /// Settles everything before `head`.
    pub fn advance(&mut self, head: i64) {
        for number in self.head..head.min(self.end()) {
            if let Some(packet) = self.slots[slot(number)].take() {
                self.bytes -= packet.payload.len();
            }
        }
        self.head = self.head.max(head);
        self.highest = self.highest.max(self.head - 1);
        self.fresh = false;
    }

    /// Forgets everything; the next packet sets where to begin.
    pub fn clear(&mut self) {
        self.advance(self.end());
        self.empty = true;
        self.fresh = true;
    }

    /// How the frame that begins at the head stands.
    pub fn front(&self) -> Front {
        let Some(first) = self.get(self.head) else {
            return self.gap(self.head);
        };
        if first.payload.is_empty() {
            return Front::Padding;
        }
        let mut number = self.head;
        while let Some(packet) = self.get(number) {
            // Not every sender sets markers: another timestamp ends a frame too.
            if packet.timestamp != first.timestamp {
                return Front::Complete(number);
            }
            number += 1;
            if packet.marker {
                return Front::Complete(number);
            }
        }
        self.gap(number)
    }

    fn gap(&self, missing: i64) -> Front {
        let mut later = self.packets(missing..self.end());
        let Some((behind, packet)) = later.next() else {
            return Front::Open;
        };
        let since = later.map(|(_, packet)| packet.arrived).fold(packet.arrived, Instant::min);
        Front::Gap { since, behind }
    }
}

fn slot(number: i64) -> usize {
    number.rem_euclid(SPAN as i64) as usize
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::frame::VideoCodec;

    fn packet(sequence: u16, bytes: usize) -> VideoPacket {
        let payload = Bytes::from(vec![1; bytes]);
        VideoPacket {
            codec: VideoCodec::H264,
            sequence,
            timestamp: 0,
            marker: false,
            payload,
            arrived: Instant::now(),
        }
    }

    /// Inserts as the receiver does: room is made by giving up the oldest.
    fn insert(window: &mut Window, packet: &VideoPacket) -> Insert {
        loop {
            match window.insert(packet) {
                Insert::NeedsHead(head) => {
                    assert!(head > window.head(), "no progress");
                    window.advance(head);
                }
                other => return other,
            }
        }
    }

    #[test]
    fn it_never_holds_more_than_1024_packets_or_4_mib() {
        for bytes in [10, 20_000] {
            let mut window = Window::new();
            for sequence in 0..3000_u16 {
                assert_eq!(insert(&mut window, &packet(sequence.wrapping_mul(3), bytes)), Insert::Stored);
                let held: Vec<usize> = window
                    .packets(window.head()..window.end())
                    .map(|(_, packet)| packet.payload.len())
                    .collect();
                assert!(held.len() <= SPAN && held.iter().sum::<usize>() <= MAX_BYTES);
                assert_eq!(held.iter().sum::<usize>(), window.bytes);
            }
        }
    }

    #[test]
    fn one_packet_larger_than_the_limit_is_held_alone() {
        let mut window = Window::new();
        insert(&mut window, &packet(1, 100));
        assert_eq!(insert(&mut window, &packet(2, MAX_BYTES + 1)), Insert::Stored);
        assert_eq!(window.packets(window.head()..window.end()).count(), 1);
    }

    #[test]
    fn until_something_is_settled_the_head_moves_back_for_what_comes_out_of_order() {
        let mut window = Window::new();
        assert_eq!(window.insert(&packet(5, 1)), Insert::Stored);
        assert_eq!(window.insert(&packet(65_534, 1)), Insert::Stored);
        assert_eq!(window.end() - window.head(), 8);
        window.advance(window.head() + 1);
        assert_eq!(window.insert(&packet(65_533, 1)), Insert::Late);
        assert_eq!(window.insert(&packet(5, 1)), Insert::Duplicate);
        assert_eq!(window.insert(&packet(5000, 1)), Insert::Jump);
    }
}
