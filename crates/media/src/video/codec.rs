//! What every video codec does. Who wants one asks [`encoder`] or [`decoder`] and knows no library.

use std::time::Instant;

use crate::frame::{EncodedFrame, FramePool, VideoCodec, VideoFrame};
use crate::video::h264;
#[cfg(feature = "vp8")]
use crate::video::vp8;

pub use crate::error::CodecError;

/// What the pictures show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// What a camera sees: an even flow of pictures counts for more than any one of them.
    #[default]
    Camera,
    /// A screen: text has to be sharp, so pictures are left out before they get bad.
    Screen,
}

/// What an encoder is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncoderConfig {
    /// Width in pixels, even.
    pub width_px: u32,
    /// Height in pixels, even.
    pub height_px: u32,
    /// Pictures per second that will come, 1 to 60.
    pub fps: f32,
    /// Bits per second to aim at.
    pub bitrate_bps: u32,
    /// What will come.
    pub content: Content,
}

/// Turns pictures of one size into frames. Not for async threads: a picture takes milliseconds.
pub trait VideoEncoder: Send {
    /// Encodes one picture. `timestamp` is the frame's RTP timestamp (90 kHz), `key` asks for a key
    /// frame; the first frame is one anyway. `None` when the encoder chose to leave the picture out.
    ///
    /// # Errors
    /// [`CodecError::WrongSize`] when the picture has another size than the encoder was made for,
    /// [`CodecError::Encode`] when the library fails.
    fn encode(
        &mut self,
        frame: &VideoFrame,
        timestamp: u32,
        key: bool,
    ) -> Result<Option<EncodedFrame>, CodecError>;

    /// Aims at another bitrate and frame rate from the next picture on, without a key frame.
    ///
    /// # Errors
    /// [`CodecError::Setting`] when one of them is out of range; the old ones stay.
    fn set_rate(&mut self, bitrate_bps: u32, fps: f32) -> Result<(), CodecError>;

    /// What it is set to now.
    fn config(&self) -> EncoderConfig;
}

/// Turns frames into pictures. Not for async threads: a frame takes milliseconds.
pub trait VideoDecoder: Send {
    /// Decodes one frame into a picture from `pool`; its size is whatever the stream says. `None`
    /// when the frame holds no picture.
    ///
    /// # Errors
    /// [`CodecError::Decode`], which says whether a key frame is needed now. The decoder lives on.
    fn decode(&mut self, frame: &EncodedFrame, pool: &FramePool) -> Result<Option<VideoFrame>, CodecError>;
}

/// An encoder.
///
/// # Errors
/// [`CodecError::Size`] or [`CodecError::Setting`] when the codec cannot do what `config` asks
/// for, [`CodecError::Start`] when the library refuses.
pub fn encoder(codec: VideoCodec, config: EncoderConfig) -> Result<Box<dyn VideoEncoder>, CodecError> {
    match codec {
        VideoCodec::H264 => Ok(Box::new(h264::Encoder::new(config)?)),
        #[cfg(feature = "vp8")]
        VideoCodec::Vp8 => Ok(Box::new(vp8::Encoder::new(config)?)),
        #[cfg(not(feature = "vp8"))]
        VideoCodec::Vp8 => Err(CodecError::NotBuiltIn { codec: codec.name() }),
    }
}

/// A decoder.
///
/// # Errors
/// [`CodecError::Start`] when the library refuses.
pub fn decoder(codec: VideoCodec) -> Result<Box<dyn VideoDecoder>, CodecError> {
    match codec {
        VideoCodec::H264 => Ok(Box::new(h264::Decoder::new()?)),
        #[cfg(feature = "vp8")]
        VideoCodec::Vp8 => Ok(Box::new(vp8::Decoder::new()?)),
        #[cfg(not(feature = "vp8"))]
        VideoCodec::Vp8 => Err(CodecError::NotBuiltIn { codec: codec.name() }),
    }
}

/// Lowest bitrate that the libraries accept at any frame rate, with room.
const MIN_BITRATE_BPS: u32 = 10_000;
/// Highest bitrate: keeps H.264's peaks within level 5.2.
const MAX_BITRATE_BPS: u32 = 100_000_000;

/// Whether every codec can do what is asked for.
pub(super) fn check(config: EncoderConfig) -> Result<(), CodecError> {
    let EncoderConfig { width_px, height_px, fps, bitrate_bps, .. } = config;
    if !fits(width_px, height_px) || width_px % 2 != 0 || height_px % 2 != 0 || width_px.min(height_px) < 16 {
        return Err(CodecError::Size { width_px, height_px });
    }
    check_rate(bitrate_bps, fps)
}

/// Whether a picture is no larger than 3840×2160 in either orientation.
pub(super) fn fits(width_px: u32, height_px: u32) -> bool {
    width_px.max(height_px) <= 3840 && width_px.min(height_px) <= 2160
}

/// Whether a picture has the size that an encoder was made for.
pub(super) fn check_picture(config: EncoderConfig, frame: &VideoFrame) -> Result<(), CodecError> {
    let expected_px = (config.width_px, config.height_px);
    let actual_px = (frame.width_px(), frame.height_px());
    if actual_px == expected_px { Ok(()) } else { Err(CodecError::WrongSize { expected_px, actual_px }) }
}

pub(super) fn check_rate(bitrate_bps: u32, fps: f32) -> Result<(), CodecError> {
    if !(1.0..=60.0).contains(&fps) {
        let (what, range) = ("frame rate", "1 to 60 frames per second");
        return Err(CodecError::Setting { what, value: fps.to_string(), range });
    }
    if !(MIN_BITRATE_BPS..=MAX_BITRATE_BPS).contains(&bitrate_bps) {
        let (what, range) = ("bitrate", "10 kbit/s to 100 Mbit/s");
        return Err(CodecError::Setting { what, value: bitrate_bps.to_string(), range });
    }
    Ok(())
}

/// Copies a library's picture, which it will write over, into one of ours: the only copy. `None` when
/// a plane has less than the size asks for.
pub(super) fn copy_out(
    size_px: (u32, u32),
    planes: [(&[u8], usize); 3],
    at: Instant,
    pool: &FramePool,
) -> Option<VideoFrame> {
    let mut frame = pool.take(size_px.0, size_px.1, at);
    let own = frame.strides();
    for ((target, own), (source, stride)) in frame.planes_mut().into_iter().zip(own).zip(planes) {
        if own == 0 || stride < own || source.len().div_ceil(stride) < target.len() / own {
            return None;
        }
        for (target, source) in target.chunks_exact_mut(own).zip(source.chunks(stride)) {
            target.copy_from_slice(source.get(..own)?);
        }
    }
    Some(frame)
}
