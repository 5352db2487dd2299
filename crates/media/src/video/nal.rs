//! H.264 NAL units: finding them in a byte stream, and what their headers say (ITU-T H.264,
//! section 7.3.1 and annex B).

use std::ops::Range;

/// Types of NAL units that matter here (ITU-T H.264, table 7-1; RFC 6184, table 1).
pub mod kind {
    /// Slice of a picture that refers to others.
    pub const SLICE: u8 = 1;
    /// Slice of a picture that can be decoded alone.
    pub const IDR: u8 = 5;
    /// Sequence parameter set.
    pub const SPS: u8 = 7;
    /// Picture parameter set.
    pub const PPS: u8 = 8;
    /// Single-time aggregation packet.
    pub const STAP_A: u8 = 24;
    /// Fragmentation unit.
    pub const FU_A: u8 = 28;
}

/// The bits of a NAL unit's first byte that hold its type.
pub const KIND_MASK: u8 = 0x1f;
/// The bits that say how much other pictures depend on it.
pub const IMPORTANCE_MASK: u8 = 0x60;
/// The bit that says that it is damaged.
pub const FORBIDDEN_MASK: u8 = 0x80;

/// What goes before each NAL unit in a byte stream.
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units of a byte stream (annex B), without start codes and trailing zeros.
pub struct NalUnits<'a> {
    data: &'a [u8],
    /// Start of the next NAL unit, behind its start code.
    next: Option<usize>,
}

impl<'a> NalUnits<'a> {
    /// Of this stream. What precedes the first start code is skipped.
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, next: start_code(data, 0).map(|at| at + 3) }
    }
}

impl Iterator for NalUnits<'_> {
    /// Where its bytes are; never empty.
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.next?;
            let end = start_code(self.data, start);
            self.next = end.map(|at| at + 3);
            let mut end = end.unwrap_or(self.data.len());
            while end > start && self.data[end - 1] == 0 {
                end -= 1;
            }
            if end > start {
                return Some(start..end);
            }
        }
    }
}

/// Position of the next 0 0 1 at or behind `from`.
fn start_code(data: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let [_, _, third, ..] = data.get(at..)? {
        match *third {
            // Most bytes are greater than 1: no start code can begin here or in the next two.
            2.. => at += 3,
            1 if data[at] == 0 && data[at + 1] == 0 => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// Width and height in pixels of the pictures that a sequence parameter set announces (NAL unit
/// without start code). `None` when it cannot be understood.
pub fn sps_size(nal: &[u8]) -> Option<(u32, u32)> {
    let (header, payload) = nal.split_first()?;
    if header & KIND_MASK != kind::SPS {
        return None;
    }
    let mut bits = Bits::new(payload);
    let profile = bits.take(8)?;
    bits.take(16)?; // constraints, level
    bits.unsigned()?; // id
    let mut chroma_format = 1;
    if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
        chroma_format = bits.unsigned()?;
        if chroma_format == 3 {
            bits.take(1)?; // separate colour planes
        }
        bits.unsigned()?; // luma depth
        bits.unsigned()?; // chroma depth
        bits.take(1)?; // transform bypass
        if bits.take(1)? == 1 {
            skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
        }
    }
    bits.unsigned()?; // frame number length
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?;
        }
        1 => {
            bits.take(1)?;
            bits.signed()?;
            bits.signed()?;
            let cycle = bits.unsigned()?;
            for _ in 0..cycle.min(255) {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?; // reference frames
    bits.take(1)?; // gaps allowed
    let width_mbs = bits.unsigned()?.checked_add(1)?;
    let height_units = bits.unsigned()?.checked_add(1)?;
    let frames_only = bits.take(1)?;
    if frames_only == 0 {
        bits.take(1)?;
    }
    bits.take(1)?; // direct 8×8
    let mut crop = [0; 4];
    if bits.take(1)? == 1 {
        for side in &mut crop {
            *side = bits.unsigned()?;
        }
    }
    // Table 6-1: chroma samples are half as many across for 4:2:0 and 4:2:2, and down for 4:2:0.
    let unit_x = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
    let unit_y = if chroma_format == 1 { 2 } else { 1 } * (2 - frames_only);
    let [left, right, top, bottom] = crop;
    let size = |units: u32, per_unit: u32, cropped: u32, crop_unit: u32| {
        let cropped = cropped.checked_mul(crop_unit)?;
        units.checked_mul(per_unit)?.checked_sub(cropped).filter(|size| (1..=16_384).contains(size))
    };
    let width = size(width_mbs, 16, left.checked_add(right)?, unit_x)?;
    let height = size(height_units, 16 * (2 - frames_only), top.checked_add(bottom)?, unit_y)?;
    Some((width, height))
}

/// Section 7.3.2.1.1.1.
fn skip_scaling_lists(bits: &mut Bits<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if bits.take(1)? == 0 {
            continue;
        }
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + i64::from(bits.signed()?)).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// Reads bits, most significant first, and leaves out emulation prevention bytes (section 7.4.1).
struct Bits<'a> {
    bytes: &'a [u8],
    at_byte: usize,
    at_bit: u32,
    zeros: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at_byte: 0, at_bit: 0, zeros: 0 }
    }

    fn bit(&mut self) -> Option<u32> {
        if self.at_bit == 0 && self.zeros >= 2 && *self.bytes.get(self.at_byte)? == 3 {
            self.at_byte += 1;
            self.zeros = 0;
        }
        let byte = *self.bytes.get(self.at_byte)?;
        let bit = byte >> (7 - self.at_bit) & 1;
        self.at_bit += 1;
        if self.at_bit == 8 {
            self.at_bit = 0;
            self.at_byte += 1;
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        }
        Some(u32::from(bit))
    }

    /// The next `count` ≤ 32 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    /// Exp-Golomb, ue(v) (section 9.1).
    fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.take(zeros)?;
        Some((1_u32 << zeros) - 1 + rest)
    }

    /// Exp-Golomb, se(v) (section 9.1.1).
    fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        let magnitude = (code + 1) / 2;
        i32::try_from(if code % 2 == 0 { -magnitude } else { magnitude }).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(data: &[u8]) -> Vec<&[u8]> {
        NalUnits::new(data).map(|range| &data[range]).collect()
    }

    #[test]
    fn units_are_found_behind_long_and_short_start_codes() {
        let stream = [9, 9, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 0, 3, 0, 0];
        assert_eq!(units(&stream), [&[0x67, 1][..], &[0x68, 2], &[0x65, 0, 3]]);
    }

    #[test]
    fn streams_without_units_have_none() {
        for stream in [&[][..], &[0, 0, 1], &[1, 2, 3], &[0, 0, 1, 0, 0, 1], &[0, 0, 0, 0]] {
            assert!(units(stream).is_empty(), "{stream:?}");
        }
    }

    #[test]
    fn sizes_are_read_from_real_parameter_sets() {
        // From x264 (high profile, cropped to 1080 rows), and from openh264 (baseline).
        let high = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03,
            0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58,
        ];
        assert_eq!(sps_size(&high), Some((1920, 1080)));
        let baseline =
            [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x28, 0x02, 0xdd, 0x00, 0xf0, 0x88, 0x45, 0x38];
        assert_eq!(sps_size(&baseline), Some((1280, 720)));
    }

    #[test]
    fn what_is_no_parameter_set_has_no_size() {
        for unit in [
            &[][..],
            &[0x67],
            &[0x67, 0x42, 0xc0],
            &[0x68, 0xce, 0x3c, 0x80],
            &[0x67, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(sps_size(unit), None, "{unit:?}");
        }
    }

    #[test]
    fn emulation_prevention_bytes_are_left_out() {
        let mut bits = Bits::new(&[0, 0, 3, 1, 0xff]);
        assert_eq!(bits.take(24), Some(1));
        assert_eq!(bits.take(8), Some(0xff));
        assert_eq!(bits.take(1), None);
    }

    #[test]
    fn exp_golomb_codes_are_read_as_in_the_standards_tables() {
        // 1 | 010 | 011 | 00100 | 00101 | 1 …
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1100_0000]);
        let values: Vec<u32> = (0..5).filter_map(|_| bits.unsigned()).collect();
        assert_eq!(values, [0, 1, 2, 3, 4]);
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1100_0000]);
        let values: Vec<i32> = (0..5).filter_map(|_| bits.signed()).collect();
        assert_eq!(values, [0, 1, -1, 2, -2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..200)) {
            let mut end = 0;
            for range in NalUnits::new(&bytes) {
                prop_assert!(range.start >= end + 3 && range.end > range.start && range.end <= bytes.len());
                end = range.end;
            }
            let mut sps = vec![0x67];
            sps.extend(&bytes);
            if let Some((width, height)) = sps_size(&sps) {
                prop_assert!(width > 0 && height > 0 && width <= 16_384 && height <= 16_384);
            }
        }
    }
}
