//! VP8 by libvpx: one pass, constant bitrate, nothing held back. A frame that goes in comes out of the
//! same call, on both sides.

use std::time::Instant;

use bytes::Bytes;

use crate::frame::{EncodedFrame, FramePool, VideoCodec, VideoFrame};
use crate::video::codec::{
    CodecError, Content, EncoderConfig, VideoDecoder, VideoEncoder, check, check_picture, check_rate,
    copy_out, fits,
};
use crate::video::rtp::vp8_key_frame_size;

const NAME: &str = "VP8";

/// From this many pixels on two threads encode and decode: below it they cost more than they save.
const TWO_THREADS_FROM_PX: u32 = 640 * 360;
/// How much quality is given for speed, 0 to 16. At 12, on two threads, a 720p picture takes no longer than
/// openh264's on one (the example `pace` measures both).
const SPEED: u32 = 12;

/// The encoder.
pub struct Encoder {
    library: maru_vpx::Encoder,
    config: EncoderConfig,
    /// When the picture before was taken.
    before: Option<Instant>,
}

impl Encoder {
    /// An encoder for pictures of one size.
    ///
    /// # Errors
    /// [`CodecError::Size`], [`CodecError::Setting`] or [`CodecError::Start`].
    pub fn new(config: EncoderConfig) -> Result<Self, CodecError> {
        check(config)?;
        let EncoderConfig { width_px, height_px, fps, bitrate_bps, content } = config;
        let threads = if width_px * height_px >= TWO_THREADS_FROM_PX { 2 } else { 1 };
        let screen = content == Content::Screen;
        let settings =
            maru_vpx::Settings { width_px, height_px, bitrate_bps, fps, threads, speed: SPEED, screen };
        let library = maru_vpx::Encoder::new(settings).map_err(|error| start_error("encoder", &error))?;
        Ok(Self { library, config, before: None })
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
        let picture = maru_vpx::Picture {
            planes: frame.planes(),
            strides: frame.strides(),
            width_px: frame.width_px(),
            height_px: frame.height_px(),
        };
        let before = self.before.replace(frame.captured());
        // A screen's pictures come when something changes: the longer that is ago, the more there is room for. With
        // the clock of an even flow a still screen would stay as blurred as it came.
        let after = before.filter(|_| self.config.content == Content::Screen);
        let after = after.map(|before| frame.captured().saturating_duration_since(before));
        let encoded = self.library.encode(&picture, after, key).map_err(|error| encode_error(&error))?;
        Ok(encoded.map(|encoded| EncodedFrame {
            codec: VideoCodec::Vp8,
            data: Bytes::copy_from_slice(encoded.data),
            key: encoded.key,
            timestamp,
            width_px: self.config.width_px,
            height_px: self.config.height_px,
            at: frame.captured(),
        }))
    }

    fn set_rate(&mut self, bitrate_bps: u32, fps: f32) -> Result<(), CodecError> {
        check_rate(bitrate_bps, fps)?;
        if (bitrate_bps, fps) != (self.config.bitrate_bps, self.config.fps) {
            self.library.tune(bitrate_bps, fps).map_err(|error| encode_error(&error))?;
            self.config.bitrate_bps = bitrate_bps;
            self.config.fps = fps;
        }
        Ok(())
    }

    fn config(&self) -> EncoderConfig {
        self.config
    }
}

/// The decoder.
pub struct Decoder {
    library: maru_vpx::Decoder,
    /// A frame failed: what refers to it would show rubbish.
    key_frame_needed: bool,
}

impl Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// [`CodecError::Start`] when the library refuses.
    pub fn new() -> Result<Self, CodecError> {
        let library = maru_vpx::Decoder::new(1).map_err(|error| start_error("decoder", &error))?;
        Ok(Self { library, key_frame_needed: true })
    }

    fn failed(&mut self, problem: String) -> CodecError {
        self.key_frame_needed = true;
        CodecError::Decode { codec: NAME, problem, key_frame_needed: true }
    }
}

impl VideoDecoder for Decoder {
    fn decode(&mut self, frame: &EncodedFrame, pool: &FramePool) -> Result<Option<VideoFrame>, CodecError> {
        // What the frame itself says counts, not what came with it.
        match vp8_key_frame_size(&frame.data) {
            Some((width, height)) if !fits(width, height) => {
                return Err(self.failed(format!("its pictures of {width}×{height} are too large")));
            }
            Some(_) => {}
            None if self.key_frame_needed => {
                return Err(self.failed("it refers to a frame that is missing".into()));
            }
            None => {}
        }
        let copied = match self.library.decode(&frame.data) {
            Ok(Some(picture)) => {
                let [y, u, v] = picture.planes;
                let [luma, blue, red] = picture.strides;
                let planes = [(y, luma), (u, blue), (v, red)];
                Ok(copy_out((picture.width_px, picture.height_px), planes, frame.at, pool))
            }
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

fn start_error(what: &'static str, error: &maru_vpx::Error) -> CodecError {
    CodecError::Start { codec: NAME, what, problem: error.to_string() }
}

fn encode_error(error: &maru_vpx::Error) -> CodecError {
    CodecError::Encode { codec: NAME, problem: error.to_string() }
}
