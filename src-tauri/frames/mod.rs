//! Pictures for the page: which streams are open, and what each one gets. At most
//! [`IN_FLIGHT_LIMIT`] pictures of a stream wait for the page's acknowledgement; what comes beyond
//! that is dropped, newest wins.
//!
//! This module refuses to know how pictures came to be and how they are painted.

mod decoded;
mod encoded;
mod message;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use maru_engine::{Engine, VideoKind, VideoOutput};
use maru_media::LatestFrame;
use maru_protocol::PeerId;
use parking_lot::Mutex;
use tauri::ipc::{Channel, InvokeResponseBody};

use decoded::DecodedStream;
use encoded::EncodedStream;

/// Pictures per stream that the page may hold unacknowledged.
const IN_FLIGHT_LIMIT: usize = 2;

/// More than any room has members, counting streams that overlap while a page changes its layout.
const STREAM_LIMIT: usize = 64;

/// Where pictures go: to the page, as binary messages.
type Page = Channel<InvokeResponseBody>;

/// Where a stream's pictures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The own camera.
    Preview,
    /// Another participant, and which of its streams.
    Peer(PeerId, VideoKind),
}

impl Source {
    /// As the page names it.
    ///
    /// # Errors
    /// A sentence, when there is no such source.
    pub fn parse(text: &str, kind: VideoKind) -> Result<Self, String> {
        match text {
            "preview" => Ok(Self::Preview),
            _ => PeerId::parse(text).map(|peer| Self::Peer(peer, kind)).ok_or_else(|| {
                "There is no such picture: the source is “preview” or the id of a participant.".to_owned()
            }),
        }
    }
}

/// A tile's size in device pixels: the most that a decoded picture for it needs to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileSize {
    width_px: u32,
    height_px: u32,
}

impl TileSize {
    /// Keeps a page's numbers within reason: a hidden tile still gets a small picture, and nothing
    /// is larger than a 4K screen.
    pub fn new(width_px: u32, height_px: u32) -> Self {
        Self { width_px: width_px.clamp(16, 3840), height_px: height_px.clamp(16, 2160) }
    }
}

/// The own camera's pictures are enough to see oneself by, and to keep a laptop cool.
const PREVIEW_SPACING: Duration = Duration::from_millis(1000 / 15);
/// The same where the processor has to paint them.
const PREVIEW_SPACING_WITHOUT_GRAPHICS: Duration = Duration::from_millis(1000 / 10);

/// All open streams.
pub struct Streams {
    table: Mutex<Table>,
    preview_spacing: Duration,
}

#[derive(Default)]
struct Table {
    last: u32,
    open: HashMap<u32, Stream>,
}

struct Stream {
    source: Source,
    /// The label of the window that it is for.
    window: String,
    feed: Feed,
}

enum Feed {
    Encoded(Arc<EncodedStream>),
    /// With the slot that the peer's decoder fills; the preview has its own.
    Decoded(Arc<DecodedStream>, Option<Arc<LatestFrame>>),
}

impl Streams {
    /// None yet. Without `graphics` the processor paints them.
    pub fn new(graphics: bool) -> Self {
        let preview_spacing = if graphics { PREVIEW_SPACING } else { PREVIEW_SPACING_WITHOUT_GRAPHICS };
        Self { table: Mutex::default(), preview_spacing }
    }

    /// Opens a stream. A peer's pictures go to one stream at a time: a second one takes over from the first,
    /// which gets nothing until the second one is closed.
    ///
    /// # Errors
    /// A sentence, when there are too many or a thread cannot be started.
    pub fn open(
        &self,
        engine: &Engine,
        window: &str,
        source: Source,
        decoded: bool,
        size: TileSize,
        page: Page,
    ) -> Result<u32, String> {
        let mut table = self.table.lock();
        if table.open.len() >= STREAM_LIMIT {
            return Err(format!(
                "More than {STREAM_LIMIT} pictures at once cannot be shown. Close the window and open it again."
            ));
        }
        let id = table.last.wrapping_add(1);
        let feed = match source {
            Source::Preview => {
                let stream = DecodedStream::start(engine.preview(), size, self.preview_spacing, page)?;
                Feed::Decoded(stream, None)
            }
            Source::Peer(peer, kind) if decoded => {
                let slot = LatestFrame::new();
                let stream = DecodedStream::start(slot.clone(), size, Duration::ZERO, page)?;
                engine.set_video_output(peer, kind, VideoOutput::Decoded(slot.clone()));
                Feed::Decoded(stream, Some(slot))
            }
            Source::Peer(peer, kind) => {
                let stream = EncodedStream::new(engine.clone(), peer, kind, page);
                engine.set_video_output(peer, kind, VideoOutput::Encoded(stream.clone()));
                engine.request_key_frame(peer, kind);
                Feed::Encoded(stream)
            }
        };
        table.last = id;
        table.open.insert(id, Stream { source, window: window.to_owned(), feed });
        Ok(id)
    }

    /// The stream's tile has another size now.
    pub fn resize(&self, stream: u32, size: TileSize) {
        if let Some(Stream { feed: Feed::Decoded(decoded, _), .. }) = self.table.lock().open.get(&stream) {
            decoded.resize(size);
        }
    }

    /// The page is done with one picture.
    pub fn acknowledge(&self, stream: u32) {
        match self.table.lock().open.get(&stream).map(|stream| &stream.feed) {
            Some(Feed::Encoded(encoded)) => encoded.acknowledge(),
            Some(Feed::Decoded(decoded, _)) => decoded.acknowledge(),
            None => {} // closed in the meantime
        }
    }

    /// The page needs a key frame.
    pub fn request_key_frame(&self, engine: &Engine, stream: u32) {
        if let Some(Stream { source: Source::Peer(peer, kind), feed: Feed::Encoded(_), .. }) =
            self.table.lock().open.get(&stream)
        {
            engine.request_key_frame(*peer, *kind);
        }
    }

    /// Closes a stream; nothing is sent on it any more.
    pub fn close(&self, engine: &Engine, stream: u32) {
        let mut table = self.table.lock();
        if let Some(closed) = table.open.remove(&stream) {
            table.end(engine, stream, closed);
        }
    }

    /// Closes all streams of a window.
    pub fn close_of(&self, engine: &Engine, window: &str) {
        let mut table = self.table.lock();
        let of_it: Vec<_> = table.open.extract_if(|_, stream| stream.window == window).collect();
        for (id, stream) in of_it {
            table.end(engine, id, stream);
        }
    }

    /// Closes all streams.
    pub fn close_all(&self, engine: &Engine) {
        let mut table = self.table.lock();
        let all: Vec<_> = table.open.drain().collect();
        for (id, stream) in all {
            table.end(engine, id, stream);
        }
    }
}

impl Table {
    fn end(&self, engine: &Engine, id: u32, stream: Stream) {
        match &stream.feed {
            Feed::Encoded(encoded) => encoded.close(),
            Feed::Decoded(decoded, _) => decoded.close(),
        }
        let Source::Peer(peer, kind) = stream.source else { return };
        let others = self.open.iter().filter(|(_, open)| open.source == stream.source);
        match others.max_by_key(|(other, _)| **other) {
            None => engine.set_video_output(peer, kind, VideoOutput::Off),
            // A later stream of the same peer has its output already: leave it alone.
            Some((other, _)) if *other > id => {}
            Some((_, Stream { feed: Feed::Encoded(encoded), .. })) => {
                encoded.begin_anew();
                engine.set_video_output(peer, kind, VideoOutput::Encoded(encoded.clone()));
                engine.request_key_frame(peer, kind);
            }
            Some((_, Stream { feed: Feed::Decoded(_, Some(slot)), .. })) => {
                engine.set_video_output(peer, kind, VideoOutput::Decoded(slot.clone()));
            }
            Some(_) => {}
        }
    }
}
