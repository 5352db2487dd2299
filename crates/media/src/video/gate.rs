//! Keeps a slow viewer from getting late: few frames in flight, the newest wins.

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Send it; it counts as in flight until acknowledged.
    Send,
    /// Drop it.
    Drop {
        /// The stream cannot go on without a key frame: ask the sender for one.
        need_key: bool,
    },
}

/// Decides which frames go to a viewer that acknowledges what it has shown.
///
/// Raw pictures can be dropped one by one. An encoded frame that is dropped closes the gate until a
/// key frame comes; a new gate is closed too, since a new decoder can start with nothing else.
#[derive(Clone, Debug)]
pub struct FrameGate {
    max_in_flight: usize,
    in_flight: usize,
    /// Encoded frames: everything up to the next key frame is useless.
    closed: bool,
    /// A key frame was asked for since the gate closed.
    asked: bool,
    /// Frames refused since then, although there was room.
    refused: u32,
}

/// A request can get lost: after so many frames without an answer (1 s at 30 a second) ask again.
const ASK_AGAIN_AFTER: u32 = 30;

impl Default for FrameGate {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameGate {
    /// At most two frames in flight: one is shown while the other travels.
    pub fn new() -> Self {
        Self::with_limit(2)
    }

    /// At most `max_in_flight` frames in flight.
    pub fn with_limit(max_in_flight: usize) -> Self {
        Self { max_in_flight: max_in_flight.max(1), in_flight: 0, closed: true, asked: false, refused: 0 }
    }

    /// Decides about the next frame. `need_key` is said once per closing, and again only when the key
    /// frame that answered came while there was no room, or did not come for a second's worth of
    /// frames.
    pub fn offer(&mut self, key: bool, encoded: bool) -> Offer {
        let room = self.in_flight < self.max_in_flight;
        if !encoded {
            if room {
                self.in_flight += 1;
                return Offer::Send;
            }
            return Offer::Drop { need_key: false };
        }
        if room && (key || !self.closed) {
            self.in_flight += 1;
            self.closed = false;
            self.asked = false;
            return Offer::Send;
        }
        if !self.closed {
            self.closed = true;
            self.ask()
        } else if key {
            // The key frame that was asked for came while the viewer was busy. Asking for the next
            // one only when there is room keeps a viewer that hangs from costing the sender key
            // frames.
            self.asked = false;
            Offer::Drop { need_key: false }
        } else if room && (!self.asked || self.refused >= ASK_AGAIN_AFTER) {
            self.ask()
        } else {
            self.refused += u32::from(room);
            Offer::Drop { need_key: false }
        }
    }

    fn ask(&mut self) -> Offer {
        self.asked = true;
        self.refused = 0;
        Offer::Drop { need_key: true }
    }

    /// The viewer has shown one frame.
    pub fn acknowledge(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Frames sent and not acknowledged.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: Offer = Offer::Drop { need_key: true };
    const DROP: Offer = Offer::Drop { need_key: false };

    #[test]
    fn raw_pictures_go_while_fewer_than_two_are_in_flight() {
        let mut gate = FrameGate::new();
        let offers: Vec<Offer> = (0..4).map(|_| gate.offer(false, false)).collect();
        assert_eq!(offers, [Offer::Send, Offer::Send, DROP, DROP]);
        assert_eq!(gate.in_flight(), 2);
        gate.acknowledge();
        assert_eq!(gate.offer(false, false), Offer::Send);
        assert_eq!(gate.offer(false, false), DROP);
    }

    #[test]
    fn a_new_viewer_starts_with_a_key_frame_which_is_asked_for_once() {
        let mut gate = FrameGate::new();
        assert_eq!(gate.offer(false, true), ASK);
        assert_eq!(gate.offer(false, true), DROP);
        assert_eq!(gate.offer(true, true), Offer::Send);
        assert_eq!(gate.offer(false, true), Offer::Send);
    }

    #[test]
    fn a_dropped_encoded_frame_closes_the_gate_until_a_key_frame() {
        let mut gate = FrameGate::new();
        assert_eq!(gate.offer(true, true), Offer::Send);
        assert_eq!(gate.offer(false, true), Offer::Send);
        assert_eq!(gate.offer(false, true), ASK);
        gate.acknowledge();
        gate.acknowledge();
        assert_eq!(gate.offer(false, true), DROP, "it would refer to the dropped one");
        assert_eq!(gate.offer(true, true), Offer::Send);
        assert_eq!(gate.offer(false, true), Offer::Send);
    }

    #[test]
    fn a_viewer_that_hangs_costs_no_key_frames_and_comes_back() {
        let mut gate = FrameGate::new();
        gate.offer(true, true);
        gate.offer(false, true);
        assert_eq!(gate.offer(false, true), ASK);
        // The answer comes, the viewer still hangs: nothing more is asked for.
        assert_eq!(gate.offer(true, true), DROP);
        for _ in 0..500 {
            assert_eq!(gate.offer(false, true), DROP);
        }
        gate.acknowledge();
        assert_eq!(gate.offer(false, true), ASK);
        assert_eq!(gate.offer(true, true), Offer::Send);
    }

    #[test]
    fn a_request_without_an_answer_is_repeated_after_a_second_of_frames() {
        let mut gate = FrameGate::new();
        assert_eq!(gate.offer(false, true), ASK);
        let offers: Vec<Offer> = (0..31).map(|_| gate.offer(false, true)).collect();
        assert!(offers[..30].iter().all(|offer| *offer == DROP));
        assert_eq!(offers[30], ASK);
    }

    #[test]
    fn acknowledging_too_much_changes_nothing() {
        let mut gate = FrameGate::with_limit(0);
        gate.acknowledge();
        assert_eq!(gate.in_flight(), 0);
        assert_eq!(gate.offer(false, false), Offer::Send, "a limit of nothing would show nothing");
        assert_eq!(gate.offer(false, false), DROP);
    }
}
