//! The packets that wait to be played, in order. Bounded: when it is full the oldest make room.

use std::collections::VecDeque;

use bytes::Bytes;

/// Packets held at most: two seconds of the usual 20 ms.
pub(super) const MAX_PACKETS: usize = 100;
/// Larger payloads are not Opus over UDP.
pub(super) const MAX_PAYLOAD_BYTES: usize = 8_000;

pub(super) struct Packet {
    pub sequence: i64,
    pub timestamp: i64,
    pub samples: usize,
    /// When it came, by the buffer's clock.
    pub arrived: i64,
    /// It did not come itself: a later one repeats it.
    pub repeated: bool,
    pub payload: Bytes,
}

/// Sorted by sequence number and, the same way, by timestamp.
pub(super) struct Store {
    packets: VecDeque<Packet>,
    samples: usize,
    /// Payloads that are done with. Giving memory back can take long: not where sound is waited for.
    spent: Vec<Bytes>,
}

impl Store {
    pub fn new() -> Self {
        Self {
            packets: VecDeque::with_capacity(MAX_PACKETS + 1),
            samples: 0,
            spent: Vec::with_capacity(2 * MAX_PACKETS),
        }
    }

    /// False when it is there already, or its timestamp contradicts its neighbours'.
    pub fn insert(&mut self, packet: Packet) -> bool {
        let place = self.packets.partition_point(|other| other.sequence < packet.sequence);
        // Who comes after all takes the place of what was repeated of it.
        let same = self.packets.get(place).is_some_and(|other| other.sequence == packet.sequence);
        if same && self.packets[place].repeated && !packet.repeated {
            self.remove(place);
        }
        let after = self.packets.get(place);
        let before = place.checked_sub(1).and_then(|place| self.packets.get(place));
        let fits = after
            .is_none_or(|after| after.sequence > packet.sequence && after.timestamp > packet.timestamp)
            && before.is_none_or(|before| before.timestamp < packet.timestamp);
        if fits {
            self.samples += packet.samples;
            self.packets.insert(place, packet);
        } else {
            self.spend(packet.payload);
        }
        fits
    }

    pub fn front(&self) -> Option<&Packet> {
        self.packets.front()
    }

    /// The first that came itself.
    pub fn first_own(&self) -> Option<&Packet> {
        self.packets.iter().find(|packet| !packet.repeated)
    }

    pub fn pop(&mut self) -> Option<Packet> {
        let packet = self.packets.pop_front()?;
        self.samples -= packet.samples;
        Some(packet)
    }

    fn remove(&mut self, place: usize) {
        if let Some(packet) = self.packets.remove(place) {
            self.samples -= packet.samples;
            self.spend(packet.payload);
        }
    }

    pub fn clear(&mut self) {
        while let Some(packet) = self.pop() {
            self.spend(packet.payload);
        }
    }

    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Samples in all of them.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// A payload is done with.
    pub fn spend(&mut self, payload: Bytes) {
        if self.spent.len() == self.spent.capacity() {
            self.spent.clear();
        }
        self.spent.push(payload);
    }

    pub fn take_spent(&mut self) -> Option<Bytes> {
        self.spent.pop()
    }
}
