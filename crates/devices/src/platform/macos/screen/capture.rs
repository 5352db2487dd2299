//! Pictures of one screen or window: the system hands over each change, in the size that is asked for, on a queue of
//! its own; what was not fetched by then is dropped. The pointer is part of the picture.

use std::slice;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use block2::RcBlock;
use dispatch2::{DispatchQueue, DispatchRetained};
use maru_media::screen::{SCREEN_MAX_FPS, SCREEN_MAX_PX};
use maru_media::video::convert::{PixelFormat, RawPicture, to_i420};
use maru_media::video::scale::fit;
use maru_media::{FramePool, ScreenError, ScreenSource, VideoFrame};
use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::{NSObject, ProtocolObject};
use objc2::{AllocAnyThread, DefinedClass as _, define_class, msg_send};
use objc2_core_foundation::{CFRetained, Type as _};
use objc2_core_graphics::kCGColorSpaceSRGB;
use objc2_core_media::{CMSampleBuffer, CMTime};
use objc2_core_video::{
    CVPixelBuffer, CVPixelBufferGetBaseAddress, CVPixelBufferGetBytesPerRow, CVPixelBufferGetHeight,
    CVPixelBufferGetPixelFormatType, CVPixelBufferGetWidth, CVPixelBufferLockBaseAddress,
    CVPixelBufferLockFlags, CVPixelBufferUnlockBaseAddress, kCVPixelFormatType_32BGRA, kCVReturnSuccess,
};
use objc2_foundation::{NSArray, NSError, NSObjectProtocol};
use objc2_screen_capture_kit::{
    SCContentFilter, SCStream, SCStreamConfiguration, SCStreamDelegate, SCStreamOutput, SCStreamOutputType,
};

use super::super::super::newest::Newest;
use super::list::{Chosen, Place};
use super::{ANSWER_LIMIT, refused, silent};
use crate::screen::{Grabber, PATIENCE};
use crate::worker::Stop;

/// Pictures that the system keeps at most: one is read, one waits, the others are drawn into.
const QUEUE_DEPTH: isize = 5;
/// How often it is looked how large the window is now, and whether it is there.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What is smaller cannot be encoded.
const MIN_SIDE_PX: u32 = 16;

/// A picture that nobody looked at yet.
struct Arrived {
    sample: CFRetained<CMSampleBuffer>,
    at: Instant,
}

// SAFETY: Core Media's buffers may be used on any thread; this one is only read, by one at a time.
unsafe impl Send for Arrived {}

/// What the system's calls go to.
struct Calls {
    newest: Arc<Newest<Arrived>>,
    name: String,
}

define_class!(
    // SAFETY: `NSObject` asks nothing of its subclasses, and this one has no `Drop`.
    #[unsafe(super(NSObject))]
    #[name = "MaruScreenHandler"]
    #[ivars = Calls]
    struct Handler;

    // SAFETY: `NSObject` does what it asks for.
    unsafe impl NSObjectProtocol for Handler {}

    // SAFETY: the method has the arguments that the protocol says.
    unsafe impl SCStreamOutput for Handler {
        #[unsafe(method(stream:didOutputSampleBuffer:ofType:))]
        fn arrived(&self, _: &SCStream, sample: &CMSampleBuffer, kind: SCStreamOutputType) {
            // SAFETY: it only looks. Without a picture nothing changed.
            let is_picture = kind == SCStreamOutputType::Screen && unsafe { sample.image_buffer() }.is_some();
            if is_picture {
                self.ivars().newest.put(Arrived { sample: sample.retain(), at: Instant::now() });
            }
        }
    }

    // SAFETY: the method has the arguments that the protocol says.
    unsafe impl SCStreamDelegate for Handler {
        #[unsafe(method(stream:didStopWithError:))]
        fn stopped(&self, _: &SCStream, error: &NSError) {
            let calls = self.ivars();
            calls.newest.end(refused(&calls.name, Some(error)));
        }
    }
);

impl Handler {
    fn new(calls: Calls) -> Retained<Self> {
        let this = Self::alloc().set_ivars(calls);
        // SAFETY: the way to make an `NSObject`.
        unsafe { msg_send![super(this), init] }
    }
}

/// Takes pictures of a screen or a window.
pub struct MacosGrabber {
    source: ScreenSource,
    place: Place,
    newest: Arc<Newest<Arrived>>,
    stream: Retained<SCStream>,
    handler: Retained<Handler>,
    _queue: DispatchRetained<DispatchQueue>,
    /// Of the pictures that were asked for.
    size: (u32, u32),
    look_at: Instant,
}

impl MacosGrabber {
    /// Begins to take pictures.
    pub fn open(chosen: &Chosen) -> Result<Self, ScreenError> {
        // SAFETY: only reads and makes what it says.
        let (source, place, filter) = unsafe {
            let filter = SCContentFilter::alloc();
            match chosen {
                Chosen::Screen(source, display) => (
                    source.clone(),
                    Place::Screen(display.displayID()),
                    SCContentFilter::initWithDisplay_excludingWindows(filter, display, &NSArray::new()),
                ),
                Chosen::Window(source, window) => (
                    source.clone(),
                    Place::Window(window.windowID()),
                    SCContentFilter::initWithDesktopIndependentWindow(filter, window),
                ),
            }
        };
        let newest = Arc::new(Newest::new());
        let handler = Handler::new(Calls { newest: Arc::clone(&newest), name: source.name.clone() });
        let size = picture_size((source.width, source.height));
        // SAFETY: the handler lives as long as the stream, as `drop` sees to.
        let stream = unsafe {
            SCStream::initWithFilter_configuration_delegate(
                SCStream::alloc(),
                &filter,
                &configuration(size),
                Some(ProtocolObject::from_ref(&*handler)),
            )
        };
        let queue = DispatchQueue::new("app.maru.screen", None);
        // SAFETY: the handler may be called on any queue, and lives as long as the stream.
        let added = unsafe {
            stream.addStreamOutput_type_sampleHandlerQueue_error(
                ProtocolObject::from_ref(&*handler),
                SCStreamOutputType::Screen,
                Some(&queue),
            )
        };
        added.map_err(|error| refused(&source.name, Some(&error)))?;
        let look_at = Instant::now() + LOOK_EVERY;
        let grabber = Self { source, place, newest, stream, handler, _queue: queue, size, look_at };
        grabber.start()?;
        Ok(grabber)
    }

    fn start(&self) -> Result<(), ScreenError> {
        let (said, answer) = mpsc::sync_channel(1);
        let name = self.source.name.clone();
        let block = RcBlock::new(move |error: *mut NSError| {
            // SAFETY: it is null, or there for as long as the call.
            let error = unsafe { error.as_ref() };
            // Nobody waits any more: it took too long.
            let _ = said.try_send(error.map_or(Ok(()), |error| Err(refused(&name, Some(error)))));
        });
        // SAFETY: the block takes what the system passes, on any thread.
        unsafe { self.stream.startCaptureWithCompletionHandler(Some(&block)) };
        answer.recv_timeout(ANSWER_LIMIT).unwrap_or_else(|_| Err(silent(&self.source.name)))
    }

    /// Has pictures as large as what is shown; an error when it is gone, which the system does not always tell.
    fn look(&mut self) -> Result<(), ScreenError> {
        if Instant::now() < self.look_at {
            return Ok(());
        }
        self.look_at = Instant::now() + LOOK_EVERY;
        let Some(size) = self.place.size_px() else {
            return Err(ScreenError::Closed { name: self.source.name.clone() });
        };
        let size = picture_size(size);
        if size != self.size {
            self.size = size;
            // SAFETY: the stream keeps what it needs of the configuration.
            unsafe { self.stream.updateConfiguration_completionHandler(&configuration(size), None) };
        }
        Ok(())
    }
}

impl Grabber for MacosGrabber {
    fn source(&self) -> ScreenSource {
        self.source.clone()
    }

    fn next(&mut self, pool: &FramePool, _: &Stop) -> Result<Option<VideoFrame>, ScreenError> {
        autoreleasepool(|_| {
            self.look()?;
            let arrived = match self.newest.wait(PATIENCE) {
                Ok(Some(arrived)) => arrived,
                Ok(None) => return Ok(None),
                // What the system says of a window that was closed is not always that.
                Err(ScreenError::Failed { name, .. }) if self.place.size_px().is_none() => {
                    return Err(ScreenError::Closed { name });
                }
                Err(error) => return Err(error),
            };
            // SAFETY: it only looks.
            let picture = unsafe { arrived.sample.image_buffer() };
            Ok(picture.and_then(|picture| read(&picture, arrived.at, pool)))
        })
    }
}

impl Drop for MacosGrabber {
    fn drop(&mut self) {
        let (stream, handler) = (self.stream.clone(), self.handler.clone());
        let block = RcBlock::new(move |_: *mut NSError| {
            // Until now the system may have called the handler, which it does not keep by itself.
            let _: (&SCStream, &Handler) = (&stream, &handler);
        });
        // SAFETY: the block takes what the system passes, on any thread.
        unsafe { self.stream.stopCaptureWithCompletionHandler(Some(&block)) };
    }
}

/// Of a screen or window of that size: no larger than what is encoded, as the graphics card scales better.
fn picture_size((width, height): (u32, u32)) -> (u32, u32) {
    let (width, height) = fit(width, height, SCREEN_MAX_PX.0, SCREEN_MAX_PX.1);
    (width.max(MIN_SIDE_PX), height.max(MIN_SIDE_PX))
}

fn configuration(size: (u32, u32)) -> Retained<SCStreamConfiguration> {
    // SAFETY: it only sets what it says; the colour space's name is a constant of the system.
    unsafe {
        let configuration = SCStreamConfiguration::new();
        configuration.setWidth(size.0 as usize);
        configuration.setHeight(size.1 as usize);
        configuration.setScalesToFit(true);
        configuration.setMinimumFrameInterval(CMTime::new(1, SCREEN_MAX_FPS.cast_signed()));
        configuration.setPixelFormat(kCVPixelFormatType_32BGRA);
        configuration.setColorSpaceName(kCGColorSpaceSRGB);
        configuration.setShowsCursor(true);
        configuration.setQueueDepth(QUEUE_DEPTH);
        configuration
    }
}

/// What the system drew; `None` where it cannot be read.
fn read(picture: &CVPixelBuffer, captured: Instant, pool: &FramePool) -> Option<VideoFrame> {
    if CVPixelBufferGetPixelFormatType(picture) != kCVPixelFormatType_32BGRA {
        return None;
    }
    // SAFETY: it is unlocked below.
    let locked = unsafe { CVPixelBufferLockBaseAddress(picture, CVPixelBufferLockFlags::ReadOnly) };
    if locked != kCVReturnSuccess {
        return None;
    }
    let frame = read_locked(picture, captured, pool);
    // SAFETY: it was locked above, and nothing reads it any more.
    unsafe { CVPixelBufferUnlockBaseAddress(picture, CVPixelBufferLockFlags::ReadOnly) };
    frame
}

fn read_locked(picture: &CVPixelBuffer, captured: Instant, pool: &FramePool) -> Option<VideoFrame> {
    let (width, height) = (CVPixelBufferGetWidth(picture), CVPixelBufferGetHeight(picture));
    let stride = CVPixelBufferGetBytesPerRow(picture);
    let start = CVPixelBufferGetBaseAddress(picture).cast::<u8>().cast_const();
    if start.is_null() {
        return None;
    }
    // SAFETY: a locked picture has as many rows as it is high.
    let data = unsafe { slice::from_raw_parts(start, stride.checked_mul(height)?) };
    let picture = RawPicture {
        format: PixelFormat::Bgrx32,
        // Both are even: it was asked for.
        width_px: u32::try_from(width).ok()?,
        height_px: u32::try_from(height).ok()?,
        stride: Some(stride),
        data,
    };
    to_i420(picture, captured, pool)
        .inspect_err(|error| tracing::warn!(%error, "a picture of a screen makes no sense"))
        .ok()
}
