//! Raw pictures for the page: a thread per stream takes the newest one as soon as the page has room
//! for it, scales it to the tile and sends it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use maru_media::video::gate::{FrameGate, Offer};
use maru_media::video::scale::{Scaler, fit};
use maru_media::{FramePool, LatestFrame, VideoFrame};
use parking_lot::{Condvar, Mutex};
use tauri::ipc::InvokeResponseBody;

use super::message::{Kind, pack};
use super::{IN_FLIGHT_LIMIT, Page, TileSize};

/// The longest that the thread waits before it looks whether its stream was closed.
const WAIT: Duration = Duration::from_millis(250);

/// One open stream.
pub struct DecodedStream {
    state: Mutex<State>,
    changed: Condvar,
    /// The least time between two pictures.
    spacing: Duration,
}

struct State {
    size: TileSize,
    gate: FrameGate,
    closed: bool,
}

impl DecodedStream {
    /// Starts to send the pictures of `slot`, no closer together than `spacing`.
    ///
    /// # Errors
    /// A sentence, when the system gives no thread.
    pub fn start(
        slot: Arc<LatestFrame>,
        size: TileSize,
        spacing: Duration,
        page: Page,
    ) -> Result<Arc<Self>, String> {
        let gate = FrameGate::with_limit(IN_FLIGHT_LIMIT);
        let state = Mutex::new(State { size, gate, closed: false });
        let stream = Arc::new(Self { state, changed: Condvar::new(), spacing });
        let thread_stream = Arc::clone(&stream);
        thread::Builder::new()
            .name("picture".into())
            .spawn(move || thread_stream.run(&slot, &page))
            .map_err(|error| {
                format!("A picture cannot be shown: {error}. Close some programs and try again.")
            })?;
        Ok(stream)
    }

    /// The tile has another size now.
    pub fn resize(&self, size: TileSize) {
        self.state.lock().size = size;
    }

    /// The page is done with one picture.
    pub fn acknowledge(&self) {
        self.state.lock().gate.acknowledge();
        self.changed.notify_one();
    }

    /// Ends the thread, within [`WAIT`].
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_one();
    }

    fn run(&self, slot: &Arc<LatestFrame>, page: &Page) {
        let mut reader = slot.reader();
        let mut scaler = Scaler::new();
        let pool = FramePool::new();
        let mut first: Option<Instant> = None;
        let mut due = Instant::now();
        while let Some(size) = self.room(due) {
            // After the wait for room, not before: the newest wins.
            let Some(frame) = reader.wait(WAIT) else {
                if reader.is_closed() {
                    return;
                }
                continue;
            };
            due = (due + self.spacing).max(Instant::now());
            let first = *first.get_or_insert(frame.captured());
            let timestamp = rtp_timestamp(frame.captured().saturating_duration_since(first));
            let message = picture(&mut scaler, &pool, &frame, size, timestamp);
            drop(frame); // its buffer may be wanted for the next one
            if !self.take_room() || page.send(InvokeResponseBody::Raw(message)).is_err() {
                return;
            }
        }
    }

    /// Waits until the page has room and the next picture is due; `None` when the stream was closed.
    fn room(&self, due: Instant) -> Option<TileSize> {
        let mut state = self.state.lock();
        while !state.closed {
            if state.gate.in_flight() >= IN_FLIGHT_LIMIT {
                self.changed.wait_for(&mut state, WAIT);
            } else if Instant::now() < due {
                self.changed.wait_until(&mut state, due);
            } else {
                return Some(state.size);
            }
        }
        None
    }

    /// Counts a picture as on its way; `false` when the stream was closed.
    fn take_room(&self) -> bool {
        let mut state = self.state.lock();
        !state.closed && state.gate.offer(true, false) == Offer::Send
    }
}

/// The picture at the size that its tile can show, as a message.
fn picture(
    scaler: &mut Scaler,
    pool: &FramePool,
    frame: &VideoFrame,
    size: TileSize,
    timestamp: u32,
) -> Vec<u8> {
    let (width_px, height_px) = fit(frame.width_px(), frame.height_px(), size.width_px, size.height_px);
    if (width_px, height_px) == (frame.width_px(), frame.height_px()) {
        return pack(Kind::I420, width_px, height_px, timestamp, frame.data());
    }
    let scaled = scaler.scale(frame, width_px, height_px, pool);
    pack(Kind::I420, width_px, height_px, timestamp, scaled.data())
}

/// Time since a stream's first picture on RTP's 90 kHz clock, which wraps.
fn rtp_timestamp(since_first: Duration) -> u32 {
    (since_first.as_micros() * 9 / 100) as u32
}
