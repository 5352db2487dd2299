//! Pictures: raw, encoded, and the slot in which the newest one waits.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

/// A raw picture: I420, BT.601 limited range, planes tightly packed one behind the other
/// (Y: width × height, then U and V: ⌈width/2⌉ × ⌈height/2⌉ each).
pub struct VideoFrame {
    width_px: u32,
    height_px: u32,
    captured: Instant,
    data: Vec<u8>,
    /// Where the buffer goes when the last reader drops the frame.
    pool: Weak<PoolInner>,
}

impl VideoFrame {
    /// Bytes that a picture of this size takes.
    pub const fn size_bytes(width_px: u32, height_px: u32) -> usize {
        let luma = width_px as usize * height_px as usize;
        let chroma = width_px.div_ceil(2) as usize * height_px.div_ceil(2) as usize;
        luma + 2 * chroma
    }

    /// Width in pixels.
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Height in pixels.
    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    /// When the picture was in hand.
    pub fn captured(&self) -> Instant {
        self.captured
    }

    /// Sets when the picture was in hand; for who fills a buffer from a [`FramePool`].
    pub fn set_captured(&mut self, captured: Instant) {
        self.captured = captured;
    }

    /// All three planes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The planes Y, U, V; row strides are `width` and twice `⌈width/2⌉`.
    pub fn planes(&self) -> [&[u8]; 3] {
        let (luma, chroma) = self.plane_sizes();
        let (y, uv) = self.data.split_at(luma);
        let (u, v) = uv.split_at(chroma);
        [y, u, v]
    }

    /// The planes Y, U, V, to be written.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let (luma, chroma) = self.plane_sizes();
        let (y, uv) = self.data.split_at_mut(luma);
        let (u, v) = uv.split_at_mut(chroma);
        [y, u, v]
    }

    /// Row strides of the planes, in bytes.
    pub fn strides(&self) -> [usize; 3] {
        let chroma = self.width_px.div_ceil(2) as usize;
        [self.width_px as usize, chroma, chroma]
    }

    fn plane_sizes(&self) -> (usize, usize) {
        let luma = self.width_px as usize * self.height_px as usize;
        (luma, (self.data.len() - luma) / 2)
    }
}

impl fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VideoFrame({}×{})", self.width_px, self.height_px)
    }
}

impl Drop for VideoFrame {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.give_back(std::mem::take(&mut self.data));
        }
    }
}

/// Recycles picture buffers, so that a running call allocates none.
#[derive(Clone, Default)]
pub struct FramePool {
    inner: Arc<PoolInner>,
}

#[derive(Default)]
struct PoolInner {
    free: Mutex<Vec<Vec<u8>>>,
}

/// More than a pipeline ever holds at once; beyond it buffers are freed.
const POOL_LIMIT: usize = 6;

impl PoolInner {
    fn give_back(&self, buffer: Vec<u8>) {
        let mut free = self.free.lock();
        if free.len() < POOL_LIMIT {
            free.push(buffer);
        }
    }
}

impl FramePool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of the given size with unspecified content.
    pub fn take(&self, width_px: u32, height_px: u32, captured: Instant) -> VideoFrame {
        let size = VideoFrame::size_bytes(width_px, height_px);
        let mut data = self.inner.free.lock().pop().unwrap_or_default();
        data.resize(size, 0);
        VideoFrame { width_px, height_px, captured, data, pool: Arc::downgrade(&self.inner) }
    }
}

/// A video codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// H.264 constrained baseline, Annex B byte stream.
    H264,
    /// VP8 (RFC 6386).
    Vp8,
}

impl VideoCodec {
    /// Those that this build can encode and decode, the preferred one first.
    pub const BUILT_IN: &'static [Self] =
        if cfg!(feature = "vp8") { &[Self::H264, Self::Vp8] } else { &[Self::H264] };

    /// What RTP and people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H264",
            Self::Vp8 => "VP8",
        }
    }

    /// The library that encodes and decodes it here.
    pub fn implementation(self) -> &'static str {
        match self {
            Self::H264 => "OpenH264",
            Self::Vp8 => "libvpx",
        }
    }
}

/// One encoded picture, shared by all peers it goes to.
#[derive(Clone)]
pub struct EncodedFrame {
    /// The codec.
    pub codec: VideoCodec,
    /// The byte stream; for H.264 Annex B, a key frame with its parameter sets.
    pub data: Bytes,
    /// Whether it can be decoded without an earlier one.
    pub key: bool,
    /// RTP timestamp, 90 kHz.
    pub timestamp: u32,
    /// Width in pixels, 0 where the receiver has not parsed it.
    pub width_px: u32,
    /// Height in pixels, 0 where the receiver has not parsed it.
    pub height_px: u32,
    /// Sender: when the picture was captured. Receiver: when its last packet arrived.
    pub at: Instant,
}

impl fmt::Debug for EncodedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key { "key" } else { "delta" };
        write!(f, "EncodedFrame({:?} {key} {} B @{})", self.codec, self.data.len(), self.timestamp)
    }
}

/// A slot that holds the newest picture: the writer never waits, each reader sees the newest one
/// once, older ones are gone.
#[derive(Default)]
pub struct LatestFrame {
    state: Mutex<Latest>,
    changed: Condvar,
}

#[derive(Default)]
struct Latest {
    frame: Option<Arc<VideoFrame>>,
    /// Pictures published so far; a reader remembers the one it saw.
    count: u64,
    closed: bool,
}

impl LatestFrame {
    /// An empty slot.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Puts a picture in, over whatever is there.
    pub fn publish(&self, frame: Arc<VideoFrame>) {
        let mut state = self.state.lock();
        let old = state.frame.replace(frame);
        state.count += 1;
        drop(state);
        self.changed.notify_all();
        drop(old); // may free a buffer: not under the lock
    }

    /// Takes the picture out, so that a switched-off camera leaves no stale one behind.
    pub fn clear(&self) {
        let old = self.state.lock().frame.take();
        drop(old);
    }

    /// Wakes all readers for good: [`FrameReader::wait`] returns `None` at once from now on.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// The newest picture, without waiting and without marking it as seen.
    pub fn peek(&self) -> Option<Arc<VideoFrame>> {
        self.state.lock().frame.clone()
    }

    /// How many pictures were published so far.
    pub fn count(&self) -> u64 {
        self.state.lock().count
    }

    /// A reader that has seen nothing yet.
    pub fn reader(self: &Arc<Self>) -> FrameReader {
        FrameReader { slot: Arc::clone(self), seen: 0, skipped: 0 }
    }
}

/// Reads a [`LatestFrame`], each picture at most once.
pub struct FrameReader {
    slot: Arc<LatestFrame>,
    seen: u64,
    skipped: u64,
}

impl FrameReader {
    /// The next unseen picture; `None` when none came in time, or the slot was closed.
    pub fn wait(&mut self, timeout: Duration) -> Option<Arc<VideoFrame>> {
        let deadline = Instant::now() + timeout;
        let mut state = self.slot.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if state.count != self.seen
                && let Some(frame) = state.frame.clone()
            {
                self.skipped += state.count - self.seen - 1;
                self.seen = state.count;
                return Some(frame);
            }
            if self.slot.changed.wait_until(&mut state, deadline).timed_out() {
                return None;
            }
        }
    }

    /// Whether the slot was closed.
    pub fn is_closed(&self) -> bool {
        self.slot.state.lock().closed
    }

    /// Pictures that were replaced before this reader saw them.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_have_the_sizes_of_i420_also_for_odd_sides() {
        let pool = FramePool::new();
        for (width, height, chroma) in [(4, 2, 2), (5, 3, 6), (1, 1, 1)] {
            let mut frame = pool.take(width, height, Instant::now());
            let sizes = frame.planes().map(<[u8]>::len);
            assert_eq!(sizes, [(width * height) as usize, chroma, chroma]);
            assert_eq!(frame.planes_mut().map(|plane| plane.len()), sizes);
            assert_eq!(frame.data().len(), VideoFrame::size_bytes(width, height));
            assert_eq!(
                frame.strides(),
                [width as usize, width.div_ceil(2) as usize, width.div_ceil(2) as usize]
            );
        }
    }

    #[test]
    fn a_buffer_comes_back_to_its_pool_and_is_used_again_at_any_size() {
        let pool = FramePool::new();
        let frame = pool.take(64, 64, Instant::now());
        let address = frame.data().as_ptr();
        drop(frame);
        let again = pool.take(32, 32, Instant::now());
        assert_eq!(again.data().as_ptr(), address);
        assert_eq!(again.data().len(), VideoFrame::size_bytes(32, 32));
    }

    #[test]
    fn a_frame_outlives_its_pool() {
        let frame = FramePool::new().take(16, 16, Instant::now());
        assert_eq!(frame.data().len(), 384);
    }

    fn publish(slot: &Arc<LatestFrame>, pool: &FramePool, width: u32) {
        slot.publish(Arc::new(pool.take(width, 2, Instant::now())));
    }

    #[test]
    fn a_reader_sees_the_newest_picture_once_and_counts_those_it_missed() {
        let (slot, pool) = (LatestFrame::new(), FramePool::new());
        let (mut first, mut second) = (slot.reader(), slot.reader());
        for width in [2, 4, 6] {
            publish(&slot, &pool, width);
        }
        assert_eq!(first.wait(Duration::ZERO).unwrap().width_px(), 6);
        assert!(first.wait(Duration::ZERO).is_none(), "seen already");
        assert_eq!((first.skipped(), slot.count()), (2, 3));
        assert_eq!(second.wait(Duration::ZERO).unwrap().width_px(), 6, "each reader for itself");
        assert_eq!(slot.peek().unwrap().width_px(), 6);
    }

    #[test]
    fn a_cleared_slot_shows_nothing_until_the_next_picture() {
        let (slot, pool) = (LatestFrame::new(), FramePool::new());
        let mut reader = slot.reader();
        publish(&slot, &pool, 2);
        slot.clear();
        assert!(slot.peek().is_none());
        assert!(reader.wait(Duration::ZERO).is_none());
        publish(&slot, &pool, 4);
        assert_eq!(reader.wait(Duration::ZERO).unwrap().width_px(), 4);
    }

    #[test]
    fn a_waiting_reader_is_woken_by_a_picture() {
        let (slot, pool) = (LatestFrame::new(), FramePool::new());
        let mut reader = slot.reader();
        let thread = std::thread::spawn(move || reader.wait(Duration::from_secs(30)).is_some());
        publish(&slot, &pool, 2);
        assert!(thread.join().unwrap());
    }

    #[test]
    fn a_waiting_reader_is_woken_by_closing_and_never_waits_again() {
        let (slot, pool) = (LatestFrame::new(), FramePool::new());
        let mut reader = slot.reader();
        let thread = std::thread::spawn(move || {
            let got = reader.wait(Duration::from_secs(30)).is_some();
            (got, reader.is_closed(), reader.wait(Duration::from_secs(30)).is_some())
        });
        slot.close();
        publish(&slot, &pool, 2);
        assert_eq!(thread.join().unwrap(), (false, true, false));
    }
}
