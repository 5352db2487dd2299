//! Decoding what cameras hand over, honest and not.

use super::*;

/// A JPEG of 16 × 16 pixels, evenly Y = 128, Cb = 160, Cr = 96, 4:2:0, written by hand: standard
/// tables of ITU-T T.81, annex K; with the Huffman tables left out, as many USB cameras do.
fn jpeg(with_huffman_tables: bool) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, payload: &[u8]| {
        bytes.extend([0xFF, marker]);
        bytes.extend((payload.len() as u16 + 2).to_be_bytes());
        bytes.extend(payload);
    };
    // One quantisation table of all 8: a DC difference of 1 is one step of luma.
    let mut quantisation = vec![0];
    quantisation.extend([8; 64]);
    segment(0xDB, &quantisation);
    segment(0xC0, &[8, 0, 16, 0, 16, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
    if with_huffman_tables {
        let mut luma = vec![0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        luma.extend(0..12);
        segment(0xC4, &luma);
        let mut chroma = vec![0x01, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
        chroma.extend(0..12);
        segment(0xC4, &chroma);
        // Only "end of block" is needed of the AC tables; the standard ones give it 1010 and 00.
        segment(0xC4, &[0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        segment(0xC4, &[0x11, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    segment(0xDA, &[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    // Four luma blocks of DC difference 0; Cb + 32 = category 6; Cr − 32 = category 6.
    let end = if with_huffman_tables { "0000" } else { "1010" };
    let luma = format!("00{end}").repeat(4);
    let bits = format!("{luma}111110{:06b}00111110{:06b}00", 32, 31);
    let mut bits: Vec<u8> = bits.bytes().map(|bit| bit - b'0').collect();
    while !bits.len().is_multiple_of(8) {
        bits.push(1);
    }
    for byte in bits.chunks(8) {
        let byte = byte.iter().fold(0, |byte, bit| byte << 1 | bit);
        bytes.push(byte);
        if byte == 0xFF {
            bytes.push(0);
        }
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

fn claim(format: FrameFormat, width_px: u32, height_px: u32) -> Claim {
    Claim { format, width_px, height_px }
}

fn decode(claim: Claim, data: &[u8]) -> Result<VideoFrame, String> {
    Decoder::default().decode(claim, data, Instant::now(), &FramePool::new())
}

fn assert_even(frame: &VideoFrame, wanted: [u8; 3]) {
    for (plane, wanted) in frame.planes().into_iter().zip(wanted) {
        assert!(plane.iter().all(|value| value.abs_diff(wanted) <= 1), "{wanted}: {:?}", &plane[..4]);
    }
}

#[test]
fn a_jpeg_is_decoded_with_and_without_its_huffman_tables() {
    for with_huffman_tables in [true, false] {
        let frame = decode(claim(FrameFormat::MJPEG, 16, 16), &jpeg(with_huffman_tables)).unwrap();
        // In limited range: 16 + 128 × 219 / 255, 128 ± 32 × 224 / 255.
        assert_even(&frame, [126, 156, 100]);
    }
}

#[test]
fn a_jpeg_that_is_called_something_else_is_still_a_jpeg() {
    assert_even(&decode(claim(FrameFormat::YUYV, 640, 480), &jpeg(true)).unwrap(), [126, 156, 100]);
}

#[test]
fn a_broken_jpeg_is_an_error() {
    let good = jpeg(true);
    for length in 3..good.len() - 20 {
        assert!(decode(claim(FrameFormat::MJPEG, 16, 16), &good[..length]).is_err(), "{length}");
    }
    assert!(decode(claim(FrameFormat::MJPEG, 16, 16), b"").is_err());
    assert!(decode(claim(FrameFormat::MJPEG, 16, 16), &[0xFF; 1000]).is_err());
}

#[test]
fn yuyv_is_found_out_where_nv12_was_claimed_and_the_other_way_round() {
    let yuyv: Vec<u8> = [50, 90, 50, 170].repeat(4 * 4 / 2);
    let mut nv12 = vec![50; 16];
    nv12.extend([90, 170].repeat(4));
    for format in [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::MJPEG] {
        assert_even(&decode(claim(format, 4, 4), &yuyv).unwrap(), [50, 90, 170]);
        assert_even(&decode(claim(format, 4, 4), &nv12).unwrap(), [50, 90, 170]);
    }
}

#[test]
fn padded_rows_are_understood() {
    let mut padded = Vec::new();
    for _ in 0..4 {
        padded.extend([50, 90, 50, 170, 50, 90, 50, 170]);
        padded.extend([255; 8]);
    }
    assert_even(&decode(claim(FrameFormat::YUYV, 4, 4), &padded).unwrap(), [50, 90, 170]);
}

#[test]
fn bytes_behind_the_picture_do_not_matter() {
    let mut long: Vec<u8> = [50, 90, 50, 170].repeat(64 * 48 / 2);
    long.extend([255; 1001]);
    assert_even(&decode(claim(FrameFormat::YUYV, 64, 48), &long).unwrap(), [50, 90, 170]);
}

#[test]
fn grey_pictures_have_no_colour() {
    assert_even(&decode(claim(FrameFormat::GRAY, 4, 4), &[77; 16]).unwrap(), [77, 128, 128]);
}

#[test]
fn too_few_bytes_are_an_error_for_every_format() {
    for format in super::super::format::FORMATS {
        let error = decode(claim(*format, 64, 48), &[50; 100]).unwrap_err();
        assert!(!error.is_empty());
        assert!(decode(claim(*format, 0, 0), &[50; 100]).is_err());
        assert!(decode(claim(*format, u32::MAX, u32::MAX), &[50; 100]).is_err());
    }
}
