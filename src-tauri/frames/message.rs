//! One picture as the page gets it: a header of 16 bytes, little endian, then the payload.
//!
//! ```text
//! byte 0  kind: 1 H.264 access unit (Annex B), 2 I420 planes, tightly packed, 3 VP8 frame
//! byte 1  flags: bit 0 key frame
//! byte 2  zero (u16)
//! byte 4  width in pixels (u32), 0 where it is not known
//! byte 8  height in pixels (u32), 0 where it is not known
//! byte 12 RTP timestamp, 90 kHz (u32)
//! byte 16 payload
//! ```

use maru_media::VideoCodec;

/// What the payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An H.264 access unit, Annex B, a key frame with its parameter sets; or a VP8 frame.
    Encoded {
        /// Which of them.
        codec: VideoCodec,
        /// Whether it can be decoded without an earlier one.
        key: bool,
    },
    /// The planes Y, U, V of a picture.
    I420,
}

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 16;

/// Header and payload in one buffer.
pub fn pack(kind: Kind, width_px: u32, height_px: u32, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let (kind, flags) = match kind {
        Kind::Encoded { codec: VideoCodec::H264, key } => (1, u8::from(key)),
        Kind::Encoded { codec: VideoCodec::Vp8, key } => (3, u8::from(key)),
        Kind::I420 => (2, 1), // every picture stands for itself
    };
    let mut message = Vec::with_capacity(HEADER_BYTES + payload.len());
    message.extend_from_slice(&[kind, flags, 0, 0]);
    message.extend_from_slice(&width_px.to_le_bytes());
    message.extend_from_slice(&height_px.to_le_bytes());
    message.extend_from_slice(&timestamp.to_le_bytes());
    message.extend_from_slice(payload);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_is_laid_out_as_the_page_reads_it() {
        let encoded = |codec, key| Kind::Encoded { codec, key };
        let message = pack(encoded(VideoCodec::H264, true), 1280, 720, 0x0102_0304, &[9, 8, 7]);
        assert_eq!(message, [1, 1, 0, 0, 0, 5, 0, 0, 208, 2, 0, 0, 4, 3, 2, 1, 9, 8, 7]);
        assert_eq!(pack(encoded(VideoCodec::H264, false), 0, 0, 0, &[])[1], 0);
        assert_eq!(pack(encoded(VideoCodec::Vp8, true), 0, 0, 0, &[])[..2], [3, 1]);
        assert_eq!(pack(Kind::I420, 2, 2, 0, &[0; 6])[..2], [2, 1]);
    }
}
