//! Encoded frames for the page, passed on as they came in: the page decodes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use maru_engine::{EncodedSink, Engine, VideoKind};
use maru_media::EncodedFrame;
use maru_media::video::gate::{FrameGate, Offer};
use maru_protocol::PeerId;
use parking_lot::Mutex;
use tauri::ipc::InvokeResponseBody;

use super::message::{Kind, pack};
use super::{IN_FLIGHT_LIMIT, Page};

/// One open stream.
pub struct EncodedStream {
    engine: Engine,
    peer: PeerId,
    kind: VideoKind,
    page: Page,
    gate: Mutex<FrameGate>,
    closed: AtomicBool,
}

impl EncodedStream {
    /// For the frames of `peer`. It begins with a key frame.
    pub fn new(engine: Engine, peer: PeerId, kind: VideoKind, page: Page) -> Arc<Self> {
        let gate = Mutex::new(FrameGate::with_limit(IN_FLIGHT_LIMIT));
        Arc::new(Self { engine, peer, kind, page, gate, closed: AtomicBool::new(false) })
    }

    /// Frames were missed: the next one to be sent is a key frame.
    pub fn begin_anew(&self) {
        *self.gate.lock() = FrameGate::with_limit(IN_FLIGHT_LIMIT);
    }

    /// The page is done with one frame.
    pub fn acknowledge(&self) {
        self.gate.lock().acknowledge();
    }

    /// Sends nothing any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

impl EncodedSink for EncodedStream {
    fn frame(&self, frame: &EncodedFrame) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        // In a statement of its own: the lock is gone before the engine or the page is called.
        let offer = self.gate.lock().offer(frame.key, true);
        match offer {
            Offer::Send => {
                let kind = Kind::Encoded { codec: frame.codec, key: frame.key };
                let message = pack(kind, frame.width_px, frame.height_px, frame.timestamp, &frame.data);
                if self.page.send(InvokeResponseBody::Raw(message)).is_err() {
                    self.close(); // the window is gone
                }
            }
            Offer::Drop { need_key: true } => self.engine.request_key_frame(self.peer, self.kind),
            Offer::Drop { need_key: false } => {}
        }
    }
}
