//! Playing `.y4m` files, good and bad ones.

use std::fs;
use std::time::Instant;

use maru_media::FramePool;

use super::super::clock::tick;
use super::*;

/// A file of pictures that are evenly filled: Y counts up from 50, U is 90, V is 170.
fn film(header: &str, luma: usize, chroma: usize, pictures: u8) -> Vec<u8> {
    let mut bytes = format!("YUV4MPEG2 {header}\n").into_bytes();
    for picture in 0..pictures {
        bytes.extend(if picture % 2 == 0 { b"FRAME\n".as_slice() } else { b"FRAME Ip\n" });
        bytes.extend(vec![50 + picture; luma]);
        bytes.extend(vec![90; chroma]);
        bytes.extend(vec![170; chroma]);
    }
    bytes
}

fn open(bytes: &[u8]) -> Result<Y4m, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    fs::write(&path, bytes).unwrap();
    Y4m::open(&path).map_err(|error| error.to_string())
}

fn next(film: &mut Y4m, skipped: u64) -> VideoFrame {
    let format = film.format();
    let mut frame = FramePool::new().take(format.width_px, format.height_px, Instant::now());
    let tick = Tick { skipped, ..tick(film.rate(), 0, 1) };
    film.draw(&tick, &mut frame).unwrap();
    frame
}

#[test]
fn a_film_is_played_in_order_and_begins_again_at_its_end() {
    let mut film = open(&film("W16 H8 F25:1 C420jpeg", 128, 32, 3)).unwrap();
    assert_eq!(film.format(), VideoFormat { width_px: 16, height_px: 8, fps: 25 });
    let luma: Vec<u8> = (0..5).map(|_| next(&mut film, 0).planes()[0][0]).collect();
    assert_eq!(luma, [50, 51, 52, 50, 51]);
    assert_eq!(next(&mut film, 1).planes()[0][0], 50, "one left out");
}

#[test]
fn every_kind_of_chroma_becomes_half_size() {
    let kinds = [("C420", 15), ("C422", 25), ("C444", 45), ("", 15)];
    for (kind, chroma) in kinds {
        let mut film = open(&film(&format!("W9 H5 F30000:1001 {kind}"), 45, chroma, 2)).unwrap();
        assert_eq!(film.format().fps, 30);
        let frame = next(&mut film, 0);
        let [y, u, v] = frame.planes();
        assert_eq!((y.len(), u.len(), v.len()), (45, 15, 15), "{kind}");
        assert!(y.iter().all(|value| *value == 50), "{kind}");
        assert!(u.iter().all(|value| *value == 90) && v.iter().all(|value| *value == 170), "{kind}");
    }
    let mut grey = open(&film("W9 H5 F30:1 Cmono", 45, 0, 1)).unwrap();
    assert!(next(&mut grey, 0).planes()[1].iter().all(|value| *value == 128));
}

#[test]
fn full_range_is_brought_to_limited_range() {
    let mut bytes = b"YUV4MPEG2 W2 H2 F30:1 XCOLORRANGE=FULL\nFRAME\n".to_vec();
    bytes.extend([0, 255, 0, 255, 128, 255]);
    let frame = next(&mut open(&bytes).unwrap(), 0);
    assert_eq!(frame.data(), [16, 235, 16, 235, 128, 240]);
}

#[test]
fn each_flaw_of_a_film_is_named() {
    let good = film("W16 H8 F25:1", 128, 32, 2);
    let header = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut garbled = good.clone();
    garbled[header + 6 + 192] = b'G';
    let flaws: [(&[u8], &str); 6] = [
        (b"", "a line does not end"),
        (&[0; 5000], "a line does not end"),
        (&good[..header], "no picture"),
        (&good[..good.len() - 1], "picture 2 is cut off after 191 of 192 bytes"),
        (&good[..header + 10], "picture 1 is cut off after 4 of 192 bytes"),
        (&garbled, "picture 2 does not begin with “FRAME”"),
    ];
    for (bytes, part) in flaws {
        let error = open(bytes).err().unwrap();
        assert!(error.contains(part), "{error}");
        assert!(error.starts_with("The file ") && error.contains("cannot be used as a camera"));
    }
}

#[test]
fn a_missing_file_and_a_folder_are_named_as_such() {
    let missing = Y4m::open(Path::new("no/such/film.y4m")).err().unwrap().to_string();
    assert!(
        missing.contains("no/such/film.y4m") && missing.contains("cannot be used as a camera"),
        "{missing}"
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(Y4m::open(folder.path()).is_err());
}
