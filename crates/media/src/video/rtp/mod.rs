//! Frames in RTP, both ways, by codec: H.264 (RFC 6184) and VP8 (RFC 7741). Refuses to know RTP
//! headers, order and loss.

mod h264_pack;
mod h264_unpack;
mod vp8;

use bytes::Bytes;

use crate::frame::{EncodedFrame, VideoCodec};

#[cfg(feature = "vp8")]
pub(super) use self::vp8::key_frame_size as vp8_key_frame_size;

/// The payload of one RTP packet. Cloning one is cheap: peers share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What follows the RTP header.
    pub data: Bytes,
    /// The RTP marker: last packet of the frame.
    pub marker: bool,
}

/// Below this nothing sensible can be sent; a network's packets are at least 30 times as long.
const MIN_PAYLOAD_BYTES: usize = 16;
/// Above this a length in a STAP-A would not fit, nor a packet into UDP.
const MAX_PAYLOAD_BYTES: usize = 65_000;

/// Cuts one stream's frames into payloads.
#[derive(Debug, Default)]
pub struct Packetizer {
    vp8: vp8::Packetizer,
}

impl Packetizer {
    /// Cuts a frame into payloads of at most `max_payload_bytes`, done once for all peers. They
    /// replace what is in `out`. At most one allocation of the frame's size.
    pub fn packetize(&mut self, frame: &EncodedFrame, max_payload_bytes: usize, out: &mut Vec<Payload>) {
        out.clear();
        let max = max_payload_bytes.clamp(MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
        match frame.codec {
            VideoCodec::H264 => h264_pack::packetize(&frame.data, max, out),
            VideoCodec::Vp8 => self.vp8.packetize(&frame.data, max, out),
        }
        if let Some(last) = out.last_mut() {
            last.marker = true;
        }
    }
}

/// A payload is not what its RFC says: the frame cannot be put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What the payloads of a frame hold.
#[derive(Debug)]
pub(super) struct Assembled {
    /// The byte stream; for H.264 Annex B, a key frame begins with its parameter sets.
    pub data: Bytes,
    /// It can be decoded alone.
    pub key: bool,
}

/// Puts the payloads of one frame together. It is given a complete frame.
pub(super) enum Depacketizer {
    H264(h264_unpack::Depacketizer),
    Vp8(vp8::Depacketizer),
}

impl Depacketizer {
    pub fn new(codec: VideoCodec) -> Self {
        match codec {
            VideoCodec::H264 => Self::H264(h264_unpack::Depacketizer::default()),
            VideoCodec::Vp8 => Self::Vp8(vp8::Depacketizer::default()),
        }
    }

    pub fn codec(&self) -> VideoCodec {
        match self {
            Self::H264(_) => VideoCodec::H264,
            Self::Vp8(_) => VideoCodec::Vp8,
        }
    }

    /// Width and height of the pictures in pixels, (0, 0) while unknown.
    pub fn size_px(&self) -> (u32, u32) {
        match self {
            Self::H264(h264) => h264.size_px(),
            Self::Vp8(vp8) => vp8.size_px(),
        }
    }

    /// Whether a key frame begins with this payload; `begins` when some frame certainly does.
    pub fn opens_key_frame(&self, payload: &[u8], begins: bool) -> bool {
        match self {
            Self::H264(h264) => h264.opens_key_frame(payload, begins),
            Self::Vp8(_) => vp8::opens_key_frame(payload),
        }
    }

    /// Puts a frame together from all its payloads in order. `None` when there is no picture in it.
    pub fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Option<Assembled>, Malformed> {
        match self {
            Self::H264(h264) => h264.assemble(payloads),
            Self::Vp8(vp8) => vp8.assemble(payloads),
        }
    }
}
