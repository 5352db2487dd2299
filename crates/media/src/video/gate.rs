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
