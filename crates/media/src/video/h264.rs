//! H.264 by openh264: constrained baseline, one slice, one thread, nothing held back. A frame that
//! goes in comes out of the same call, on both sides.

use std::time::Instant;

use openh264::encoder::{
    BitRate, Complexity, Encoder as Library, EncoderConfig as LibraryConfig, FrameRate, FrameType,
    IntraFramePeriod, Profile, RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp};
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_FRAME_RATE, ENCODER_OPTION_MAX_BITRATE,
    ENCODER_OPTION_TRACE_LEVEL, SBitrateInfo, SPATIAL_LAYER_0, WELS_LOG_QUIET,
};

use crate::frame::{EncodedFrame, FramePool, VideoCodec, VideoFrame};
use crate::video::codec::{
    CodecError, Content, EncoderConfig, VideoDecoder, VideoEncoder, check, check_picture, check_rate,
    copy_out,
};

const NAME: &str = "H.264";

/// Key frames come on request; this many pictures (2 minutes at 30 a second) without one bound how
/// long an undetected fault can live.
const KEY_FRAME_INTERVAL: u32 = 3600;

/// Single frames may exceed the target by this much. With both equal the library stays well below
/// the target.
const PEAK_FACTOR: u32 = 2;

/// The encoder.
pub struct Encoder {
    library: Library,
    config: EncoderConfig,
    /// Capture time of the first picture; the library wants time since then. `None` before it: the
    /// library starts with the first picture, and its options cannot be set earlier.
    started: Option<Instant>,
    /// Settings that the library does not have yet.
    rate_pending: bool,
}

impl Encoder {
    /// An encoder for pictures of one size.
    ///
    /// # Errors
    /// [`CodecError::Size`], [`CodecError::Setting`] or [`CodecError::Start`].
    pub fn new(config: EncoderConfig) -> Result<Self, CodecError> {
        check(config)?;
        let EncoderConfig { fps, bitrate_bps, content, .. } = config;
        let (usage, screen) = match content {
            Content::Camera => (UsageType::CameraVideoRealTime, false),
            Content::Screen => (UsageType::ScreenContentRealTime, true),
        };
        let settings = LibraryConfig::new()
            .usage_type(usage)
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .rate_control_mode(RateControlMode::Bitrate)
            // The library keeps a screen's pictures sharp whatever the rate: only leaving some out can meet it.
            .skip_frames(screen)
            .bitrate(BitRate::from_bps(bitrate_bps))
            .max_frame_rate(FrameRate::from_hz(fps))
            .intra_frame_period(IntraFramePeriod::from_num_frames(KEY_FRAME_INTERVAL))
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            // A cut is rare in a call, and a key frame at one is what a receiver on a thin path can
            // least afford: predicted frames with intra blocks do it as well.
            .scene_change_detect(false)
            .background_detection(!screen)
            .num_threads(1)
            .vui(VuiConfig::bt601());
        let library = Library::with_api_config(OpenH264API::from_source(), settings)
            .map_err(|error| start_error("encoder", &error))?;
        let mut encoder = Self { library, config, started: None, rate_pending: true };
        // It would print a warning that does not hold: measured, the bitrate is met without skipping.
        encoder.set_option(ENCODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET)?;
        Ok(encoder)
    }

    /// Hands the bitrate and the frame rate to the running library.
    fn apply_rate(&mut self) -> Result<(), CodecError> {
        let EncoderConfig { fps, bitrate_bps, .. } = self.config;
        let target = bitrate_bps as i32; // checked: at most 100 Mbit/s
        let peak = target * PEAK_FACTOR as i32;
        self.set_option(ENCODER_OPTION_FRAME_RATE, fps)?;
        // The library refuses a target above the peak. So the peak goes as high as either needs
        // first; it may be refused while it is below the old target, which the last line mends.
        let info = |bitrate| SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bitrate };
        let _ = self.set_option(ENCODER_OPTION_MAX_BITRATE, info(peak));
        self.set_option(ENCODER_OPTION_BITRATE, info(target))?;
        self.set_option(ENCODER_OPTION_MAX_BITRATE, info(peak))
    }

    fn set_option<T>(&mut self, option: ENCODER_OPTION, mut value: T) -> Result<(), CodecError> {
        // SAFETY: the library exists as long as `self.library`, and refuses options that it cannot
        // take before it is started. Each option is given the type that the library documents for
        // it; it reads the value during the call only. The wrapper relies on none of these options.
        let result = unsafe { self.library.raw_api().set_option(option, (&raw mut value).cast()) };
        if result == 0 {
            return Ok(());
        }
        let problem = format!("option {option} was refused with {result}");
        Err(CodecError::Encode { codec: NAME, problem })
    }
}

impl VideoEncoder for Encoder {
    fn encode(
        &mut self,
        frame: &VideoFrame,
        timestamp: u32,
        key: bool,
    ) -> Result<Option<EncodedFrame>, CodecError> {
        check_picture(self.config, frame)?;
        if self.started.is_some() {
            if self.rate_pending {
                self.rate_pending = false;
                self.apply_rate()?;
            }
            if key {
                self.library.force_intra_frame();
            }
        }
        let start = *self.started.get_or_insert(frame.captured());
        let elapsed = frame.captured().saturating_duration_since(start).as_millis() as u64;
        let stream = self
            .library
            .encode_at(&Source(frame), Timestamp::from_millis(elapsed))
            .map_err(|error| CodecError::Encode { codec: NAME, problem: error.to_string() })?;
        let key = match stream.frame_type() {
            FrameType::IDR => true,
            FrameType::I | FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip | FrameType::Invalid => return Ok(None),
        };
        // The one allocation per frame: it is shared by all peers and may live on in their queues.
        let mut data = Vec::with_capacity(stream_bytes(&stream));
        stream.write_vec(&mut data);
        if data.is_empty() {
            return Ok(None);
        }
        Ok(Some(EncodedFrame {
            codec: VideoCodec::H264,
            data: data.into(),
            key,
            timestamp,
            width_px: self.config.width_px,
            height_px: self.config.height_px,
            at: frame.captured(),
        }))
    }

    fn set_rate(&mut self, bitrate_bps: u32, fps: f32) -> Result<(), CodecError> {
        check_rate(bitrate_bps, fps)?;
        if (bitrate_bps, fps) != (self.config.bitrate_bps, self.config.fps) {
            self.config.bitrate_bps = bitrate_bps;
            self.config.fps = fps;
            self.rate_pending = true;
        }
        Ok(())
    }

    fn config(&self) -> EncoderConfig {
        self.config
    }
}

fn start_error(what: &'static str, error: &openh264::Error) -> CodecError {
    CodecError::Start { codec: NAME, what, problem: error.to_string() }
}

fn stream_bytes(stream: &openh264::encoder::EncodedBitStream<'_>) -> usize {
    (0..stream.num_layers())
        .filter_map(|index| stream.layer(index))
        .flat_map(|layer| (0..layer.nal_count()).map(move |nal| layer.nal_unit(nal).map_or(0, <[u8]>::len)))
        .sum()
}

/// Lends a picture to the library.
struct Source<'a>(&'a VideoFrame);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width_px() as usize, self.0.height_px() as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let [y, u, v] = self.0.strides();
        (y, u, v)
    }

    fn y(&self) -> &[u8] {
        self.0.planes()[0]
    }

    fn u(&self) -> &[u8] {
        self.0.planes()[1]
    }

    fn v(&self) -> &[u8] {
        self.0.planes()[2]
    }
}

/// The decoder.
pub struct Decoder {
    library: openh264::decoder::Decoder,
    /// A frame failed: what refers to it would show rubbish.
    key_frame_needed: bool,
}

impl Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// [`CodecError::Start`] when the library refuses.
    pub fn new() -> Result<Self, CodecError> {
        let library = openh264::decoder::Decoder::new().map_err(|error| start_error("decoder", &error))?;
        Ok(Self { library, key_frame_needed: true })
    }

    fn failed(&mut self, problem: String) -> CodecError {
        self.key_frame_needed = true;
        CodecError::Decode { codec: NAME, problem, key_frame_needed: true }
    }
}

impl VideoDecoder for Decoder {
    fn decode(&mut self, frame: &EncodedFrame, pool: &FramePool) -> Result<Option<VideoFrame>, CodecError> {
        if self.key_frame_needed && !frame.key {
            return Err(self.failed("it refers to a frame that is missing".into()));
        }
        if frame.data.len() > i32::MAX as usize {
            return Err(self.failed("it is too large".into()));
        }
        let copied = match self.library.decode(&frame.data) {
            Ok(Some(picture)) => Ok(picture_of(&picture, frame.at, pool)),
            Ok(None) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        match copied {
            Ok(picture) => {
                self.key_frame_needed &= picture.is_none();
                Ok(picture)
            }
            Err(problem) => Err(self.failed(problem)),
        }
    }
}

fn picture_of(picture: &impl YUVSource, at: Instant, pool: &FramePool) -> Option<VideoFrame> {
    let (width, height) = picture.dimensions();
    let size_px = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let (luma, blue, red) = picture.strides();
    copy_out(size_px, [(picture.y(), luma), (picture.u(), blue), (picture.v(), red)], at, pool)
}
