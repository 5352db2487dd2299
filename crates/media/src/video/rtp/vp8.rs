//! VP8 in RTP (RFC 7741): a payload descriptor goes before each piece of a frame.
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! |X|R|N|S|R| PID |   X more follows, N nothing refers to it, S a partition begins, PID which one
//! |I|L|T|K|  RSV  |   (X)   which of the following are there
//! |M| PictureID   |   (I)   7 bits, or with M 15 bits in two bytes
//! |   TL0PICIDX   |   (L)
//! |TID|Y| KEYIDX  |   (T or K)
//! ```

use bytes::BytesMut;

use super::{Assembled, Malformed, Payload};

const EXTENDED: u8 = 0x80;
const START: u8 = 0x10;
const PARTITION: u8 = 0x07;
const PICTURE_ID: u8 = 0x80;
const LAYER_INDEX: u8 = 0x40;
const LAYER: u8 = 0x20;
const KEY_INDEX: u8 = 0x10;
const LONG_PICTURE_ID: u16 = 0x8000;

/// What is written: the first two bytes and a long picture number.
const DESCRIPTOR_BYTES: usize = 4;

/// Numbers the pictures: 15 bits, and they go on over all encoders of a stream.
#[derive(Debug, Default)]
pub(super) struct Packetizer {
    picture_id: u16,
}

impl Packetizer {
    /// Cuts a frame into pieces of nearly the same size, no tiny last one. The frame is taken as a
    /// whole, without regard to its partitions: who lost one packet of it has to drop it anyway.
    pub fn packetize(&mut self, frame: &[u8], max: usize, out: &mut Vec<Payload>) {
        if frame.is_empty() {
            return;
        }
        let count = frame.len().div_ceil(max - DESCRIPTOR_BYTES);
        let mut built = BytesMut::with_capacity(frame.len() + count * DESCRIPTOR_BYTES);
        let [high, low] = (LONG_PICTURE_ID | self.picture_id).to_be_bytes();
        let mut start = START;
        for piece in frame.chunks(frame.len().div_ceil(count)) {
            built.extend_from_slice(&[EXTENDED | start, PICTURE_ID, high, low]);
            built.extend_from_slice(piece);
            out.push(Payload { data: built.split().freeze(), marker: false });
            start = 0;
        }
        self.picture_id = (self.picture_id + 1) & !LONG_PICTURE_ID;
    }
}

/// What matters of a payload descriptor, and what follows it.
struct Piece<'a> {
    /// A frame begins here.
    begins: bool,
    /// With its length in bits, for 7 and 15 bits are counted apart.
    picture_id: Option<(u16, u8)>,
    body: &'a [u8],
}

impl<'a> Piece<'a> {
    fn read(payload: &'a [u8]) -> Option<Self> {
        let (&first, mut rest) = payload.split_first()?;
        let mut byte = || {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            Some(byte)
        };
        let extension = if first & EXTENDED == 0 { 0 } else { byte()? };
        let mut picture_id = None;
        if extension & PICTURE_ID != 0 {
            let high = byte()?;
            picture_id = Some(if high & 0x80 == 0 {
                (u16::from(high), 7)
            } else {
                (u16::from_be_bytes([high, byte()?]) & !LONG_PICTURE_ID, 15)
            });
        }
        if extension & LAYER_INDEX != 0 {
            byte()?;
        }
        if extension & (LAYER | KEY_INDEX) != 0 {
            byte()?;
        }
        let begins = first & START != 0 && first & PARTITION == 0;
        (!rest.is_empty()).then_some(Self { begins, picture_id, body: rest })
    }
}

/// Puts frames together, and remembers the size that the last key frame said.
#[derive(Default)]
pub(crate) struct Depacketizer {
    size_px: (u32, u32),
}

impl Depacketizer {
    pub fn size_px(&self) -> (u32, u32) {
        self.size_px
    }

    pub fn assemble<'a>(
        &mut self,
        payloads: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Option<Assembled>, Malformed> {
        let bytes = payloads.clone().map(<[u8]>::len).sum();
        let mut data = Vec::with_capacity(bytes); // the one allocation per frame
        let mut picture_id = None;
        for payload in payloads.filter(|payload| !payload.is_empty()) {
            let piece = Piece::read(payload).ok_or(Malformed)?;
            if data.is_empty() {
                picture_id = piece.picture_id;
            }
            // The first piece begins the frame and no other one does.
            if piece.begins != data.is_empty() || piece.picture_id != picture_id {
                return Err(Malformed);
            }
            data.extend_from_slice(piece.body);
        }
        if data.is_empty() {
            return Ok(None);
        }
        let key = is_key(&data);
        if key {
            self.size_px = key_frame_size(&data).ok_or(Malformed)?;
        }
        Ok(Some(Assembled { data: data.into(), key }))
    }
}

/// Whether a key frame begins with this payload.
pub(super) fn opens_key_frame(payload: &[u8]) -> bool {
    Piece::read(payload).is_some_and(|piece| piece.begins && is_key(piece.body))
}

/// The lowest bit of the frame tag says that a frame refers to others (RFC 6386, section 9.1).
fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|tag| tag & 1 == 0)
}

/// Width and height in pixels that a key frame says; `None` for all other frames.
pub(crate) fn key_frame_size(frame: &[u8]) -> Option<(u32, u32)> {
    // RFC 6386, section 9.1: three bytes of tag, a start code, and 14 bits of each side under 2 bits
    // of how to scale it, which nobody does.
    match frame {
        [tag, _, _, 0x9d, 0x01, 0x2a, width_low, width_high, height_low, height_high, ..] if tag & 1 == 0 => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            let size = (side(*width_low, *width_high), side(*height_low, *height_high));
            (size.0 > 0 && size.1 > 0).then_some(size)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 12] = [0x10, 2, 0, 0x9d, 1, 0x2a, 0x00, 0x45, 0xd0, 0x02, 7, 8];

    fn payloads(packetizer: &mut Packetizer, frame: &[u8], max: usize) -> Vec<Payload> {
        let mut out = Vec::new();
        packetizer.packetize(frame, max, &mut out);
        out
    }

    fn assemble(payloads: &[&[u8]]) -> Result<Option<(Vec<u8>, bool)>, Malformed> {
        let assembled = Depacketizer::default().assemble(payloads.iter().copied())?;
        Ok(assembled.map(|assembled| (assembled.data.to_vec(), assembled.key)))
    }

    #[test]
    fn each_picture_has_a_number_of_15_bits_that_wraps() {
        let mut packetizer = Packetizer { picture_id: 0x7ffe };
        let descriptors: Vec<Vec<u8>> =
            (0..3).map(|_| payloads(&mut packetizer, &KEY, 1200)[0].data[..4].to_vec()).collect();
        assert_eq!(
            descriptors,
            [[0x90, 0x80, 0xff, 0xfe], [0x90, 0x80, 0xff, 0xff], [0x90, 0x80, 0x80, 0x00]]
        );
    }

    #[test]
    fn a_large_frame_is_cut_evenly_and_only_the_first_piece_begins_it() {
        let frame = [1; 3000];
        let payloads = payloads(&mut Packetizer::default(), &frame, 1200);
        let heads: Vec<u8> = payloads.iter().map(|payload| payload.data[0]).collect();
        assert_eq!(heads, [0x90, 0x80, 0x80]);
        assert!(payloads.iter().all(|payload| payload.data.len() == 1004));
    }

    #[test]
    fn the_size_is_read_from_a_key_frame_without_its_scaling() {
        assert_eq!(key_frame_size(&KEY), Some((1280, 720)));
        let mut inter = KEY;
        inter[0] |= 1;
        assert_eq!(key_frame_size(&inter), None);
        let mut empty = KEY;
        empty[6..10].fill(0);
        for other in [&empty[..], &KEY[..9], &[]] {
            assert_eq!(key_frame_size(other), None);
        }
    }

    #[test]
    fn every_form_of_descriptor_is_understood() {
        // None of the extensions; a short picture number; all of them, as other senders write them.
        for descriptor in [
            &[0x10][..],
            &[0x90, 0x00],
            &[0x90, 0x80, 0x05],
            &[0x90, 0xf0, 0x81, 0x02, 9, 0x60],
            &[0xb0, 0x20, 0x40],
        ] {
            let payload = [descriptor, &KEY].concat();
            assert!(opens_key_frame(&payload), "{descriptor:?}");
            assert_eq!(assemble(&[&payload]), Ok(Some((KEY.to_vec(), true))), "{descriptor:?}");
        }
    }

    #[test]
    fn a_later_partition_may_begin_in_the_middle_of_a_frame() {
        let first = [&[0x10][..], &KEY].concat();
        let whole = [&KEY[..], &[5, 6]].concat();
        assert_eq!(assemble(&[&first, &[], &[0x11, 5, 6]]), Ok(Some((whole, true))));
        assert!(!opens_key_frame(&[0x11, 0, 6]));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let first = [&[0x90, 0x80, 0x05][..], &KEY].concat();
        for broken in [
            &[&[0x00, 1][..]][..],                    // without its beginning
            &[&[0x10]],                               // nothing behind the descriptor
            &[&[0x90, 0x80]],                         // cut off in the descriptor
            &[&first, &first],                        // two beginnings
            &[&first, &[0x80, 0x80, 0x06, 1, 2]],     // of two pictures
            &[&[0x10, 0x00, 0, 0, 1, 2, 3, 4, 5, 6]], // a key frame without its start code
        ] {
            assert_eq!(assemble(broken), Err(Malformed), "{broken:?}");
        }
        assert_eq!(assemble(&[&[], &[]]), Ok(None), "padding");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_cut_fits_and_is_put_together_again(
            body in prop::collection::vec(any::<u8>(), 0..9000),
            max in 16_usize..3000,
        ) {
            let frame = [&KEY[..], &body].concat();
            let payloads = payloads(&mut Packetizer::default(), &frame, max);
            prop_assert!(payloads.iter().all(|payload| payload.data.len() <= max));
            prop_assert!(opens_key_frame(&payloads[0].data));
            let mut depacketizer = Depacketizer::default();
            let bytes = payloads.iter().map(|payload| &payload.data[..]);
            let assembled = depacketizer.assemble(bytes).unwrap().unwrap();
            prop_assert!(assembled.key && assembled.data == frame);
            prop_assert_eq!(depacketizer.size_px(), (1280, 720));
        }

        #[test]
        fn any_payloads_are_read_without_harm(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..6),
        ) {
            let all: usize = payloads.iter().map(Vec::len).sum();
            for payload in &payloads {
                let _ = opens_key_frame(payload);
            }
            let mut depacketizer = Depacketizer::default();
            if let Ok(Some(assembled)) = depacketizer.assemble(payloads.iter().map(|payload| &payload[..])) {
                prop_assert!(!assembled.data.is_empty() && assembled.data.len() < all);
                prop_assert_eq!(assembled.key, depacketizer.size_px() != (0, 0));
            }
        }
    }
}
