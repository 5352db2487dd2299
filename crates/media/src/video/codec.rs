//! What every video codec does. Who wants one asks [`encoder`] or [`decoder`] and knows no library.

use crate::frame::{EncodedFrame, FramePool, VideoCodec, VideoFrame};
use crate::video::h264;

pub use crate::error::CodecError;

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
    }
}

/// A decoder.
///
/// # Errors
/// [`CodecError::Start`] when the library refuses.
pub fn decoder(codec: VideoCodec) -> Result<Box<dyn VideoDecoder>, CodecError> {
    match codec {
        VideoCodec::H264 => Ok(Box::new(h264::Decoder::new()?)),
    }
}
