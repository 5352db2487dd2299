//! The pictures, by PipeWire. Its events come on the thread that asks for pictures, while it asks: PipeWire keeps
//! what comes meanwhile.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use maru_media::video::convert::{PixelFormat, to_i420};
use maru_media::{FramePool, ScreenError, VideoFrame};
use pipewire::buffer::Buffer;
use pipewire::context::ContextRc;
use pipewire::loop_::{LoopRc, Timeout};
use pipewire::properties::properties;
use pipewire::spa::buffer::ChunkFlags;
use pipewire::spa::buffer::meta::{MetaHeader, MetaHeaderFlags, MetaVideoCrop};
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{MediaSubtype, MediaType};
use pipewire::spa::param::format_utils::parse_format;
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use pipewire::spa::pod::Pod;
use pipewire::spa::utils::Direction;
use pipewire::stream::{StreamFlags, StreamListener, StreamRc, StreamState};
use pipewire::{core, keys};

use super::params::{Param, buffers, formats};
use super::picture::{Chunk, Format, Part, find};
use super::unsupported;
use crate::screen::PATIENCE;

/// How long it may take from the choice to pictures.
const START_LIMIT: Duration = Duration::from_secs(10);
/// While it is made another size, a stream pauses for a moment; one that pauses longer has nothing to show any more.
const PAUSE_LIMIT: Duration = Duration::from_secs(10);
/// The connection itself, in PipeWire's words (`PW_ID_CORE`), ...
const CORE: u32 = 0;
/// ... and its end (`-EPIPE`). It has other troubles too, which pass.
const HUNG_UP: i32 = -32;

/// What PipeWire told.
#[derive(Default)]
struct Told {
    format: Option<Format>,
    paused_since: Option<Instant>,
    over: Option<String>,
}

/// A stream of pictures.
pub struct Stream {
    // Dropped in this order: what listens goes before what it listens to.
    _listeners: (StreamListener<()>, core::Listener),
    stream: StreamRc,
    events: LoopRc,
    told: Rc<RefCell<Told>>,
}

impl Stream {
    /// Has the pictures of this node come, and waits until it is known how large they are.
    ///
    /// # Errors
    /// [`ScreenError`] when PipeWire is not there or does not want to.
    pub fn open(remote: OwnedFd, node: u32, is_wanted: &dyn Fn() -> bool) -> Result<Self, ScreenError> {
        let silent = || unsupported("PipeWire sends no pictures");
        let mut stream = Self::connect(remote, node)
            .map_err(|error| unsupported(format!("PipeWire does not work ({error})")))?;
        let deadline = Instant::now() + START_LIMIT;
        while stream.told.borrow().format.is_none() {
            if !is_wanted() {
                return Err(ScreenError::Ended);
            }
            if Instant::now() >= deadline {
                return Err(silent());
            }
            // What ends before it began is no end.
            stream.turn(deadline.min(Instant::now() + PATIENCE)).map_err(|_| silent())?;
        }
        Ok(stream)
    }

    fn connect(remote: OwnedFd, node: u32) -> Result<Self, pipewire::Error> {
        pipewire::init();
        let events = LoopRc::new(None)?;
        let core = ContextRc::new(&events, None)?.connect_fd_rc(remote, None)?;
        let told = Rc::new(RefCell::new(Told::default()));
        let heard = Rc::clone(&told);
        let on_core = core.add_listener_local().error(move |id, _, result, message| {
            if (id, result) == (CORE, HUNG_UP) {
                heard.borrow_mut().over.get_or_insert_with(|| message.to_owned());
            }
        });
        let on_core = on_core.register();
        let about = properties! {
            *keys::MEDIA_TYPE => "Video",
            *keys::MEDIA_CATEGORY => "Capture",
            *keys::MEDIA_ROLE => "Screen",
        };
        let stream = StreamRc::new(core, "Maru", about)?;
        let (heard, seen) = (Rc::clone(&told), Rc::clone(&told));
        let on_stream = stream
            .add_local_listener::<()>()
            .state_changed(move |_, (), old, new| heard.borrow_mut().follow(&old, new))
            .param_changed(move |stream, (), id, param| {
                let Some(param) = param.filter(|_| id == ParamType::Format.as_raw()) else { return };
                let format = format_of(param);
                tracing::debug!(?format, "the format of the pictures");
                seen.borrow_mut().format = format;
                if let Err(error) = with_pods(&buffers(), |pods| stream.update_params(pods)) {
                    tracing::warn!(%error, "PipeWire does not take what is wanted of its buffers");
                }
            })
            // Only has the thread woken up, which then looks for pictures.
            .process(|_, ()| {})
            .register()?;
        let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::DONT_RECONNECT;
        with_pods(&formats(), |pods| stream.connect(Direction::Input, Some(node), flags, pods))?;
        Ok(Self { _listeners: (on_stream, on_core), stream, events, told })
    }

    /// How large the pictures are now.
    pub fn size_px(&self) -> (u32, u32) {
        self.told.borrow().format.map_or((0, 0), |format| (format.width_px, format.height_px))
    }

    /// Waits until something happens, until `deadline` at most.
    ///
    /// # Errors
    /// [`ScreenError::Ended`] when there will be no more pictures.
    pub fn turn(&mut self, deadline: Instant) -> Result<(), ScreenError> {
        let left = deadline.saturating_duration_since(Instant::now());
        // In whole milliseconds: 0 would not wait at all.
        self.events.iterate(Timeout::Finite(left.max(Duration::from_millis(1))));
        let told = self.told.borrow();
        if let Some(reason) = &told.over {
            tracing::info!(reason, "PipeWire ended the share");
            return Err(ScreenError::Ended);
        }
        match told.paused_since {
            Some(since) if since.elapsed() >= PAUSE_LIMIT => Err(ScreenError::Ended),
            _ => Ok(()),
        }
    }

    /// The newest picture, if there is one that was not taken yet.
    pub fn take(&mut self, pool: &FramePool) -> Option<VideoFrame> {
        let format = self.told.borrow().format?;
        let mut newest = None;
        while let Some(buffer) = self.stream.dequeue_buffer() {
            newest = Some(buffer); // the one before it goes back
        }
        read(&mut newest?, format, pool)
    }
}

impl Told {
    fn follow(&mut self, old: &StreamState, new: StreamState) {
        tracing::debug!(?old, ?new, "the stream's state");
        self.paused_since = match new {
            StreamState::Paused => self.paused_since.or_else(|| Some(Instant::now())),
            _ => None,
        };
        let over = match new {
            StreamState::Error(reason) => reason,
            StreamState::Unconnected => "it is gone".to_owned(),
            StreamState::Connecting | StreamState::Paused | StreamState::Streaming => return,
        };
        self.over.get_or_insert(over);
    }
}

/// Calls PipeWire with these parameters.
fn with_pods<T>(params: &[Param], call: impl FnOnce(&mut [&Pod]) -> T) -> T {
    let mut pods: Vec<&Pod> = params.iter().filter_map(Param::pod).collect();
    call(&mut pods)
}

/// `None` for what was not asked for.
fn format_of(param: &Pod) -> Option<Format> {
    if parse_format(param).ok()? != (MediaType::Video, MediaSubtype::Raw) {
        return None;
    }
    let mut info = VideoInfoRaw::new();
    info.parse(param).ok()?;
    let pixels = match info.format() {
        VideoFormat::BGRx | VideoFormat::BGRA => PixelFormat::Bgrx32,
        VideoFormat::RGBx | VideoFormat::RGBA => PixelFormat::Rgbx32,
        _ => return None,
    };
    let size = info.size();
    Some(Format { pixels, width_px: size.width, height_px: size.height })
}

/// The picture in a buffer; `None` for one that has none, such as when only the pointer moved.
fn read(buffer: &mut Buffer<'_>, format: Format, pool: &FramePool) -> Option<VideoFrame> {
    let captured = Instant::now();
    let header = buffer.find_meta::<MetaHeader>();
    if header.is_some_and(|header| header.flags().contains(MetaHeaderFlags::CORRUPTED)) {
        return None;
    }
    let part = buffer.find_meta::<MetaVideoCrop>().map(|crop| {
        let (at, size) = (crop.meta_region().position(), crop.meta_region().size());
        let at = (u32::try_from(at.x).unwrap_or(0), u32::try_from(at.y).unwrap_or(0));
        Part { x: at.0, y: at.1, width: size.width, height: size.height }
    });
    let data = buffer.datas_mut().first_mut()?;
    let chunk = data.chunk();
    if chunk.size() == 0 || chunk.flags().contains(ChunkFlags::CORRUPTED) {
        return None;
    }
    let chunk = Chunk {
        offset: usize::try_from(chunk.offset()).ok()?,
        stride: usize::try_from(chunk.stride()).ok()?,
    };
    let picture = find(data.data()?, format, chunk, part)?;
    to_i420(picture, captured, pool)
        .inspect_err(|error| tracing::warn!(%error, "a picture of a screen makes no sense"))
        .ok()
}
