//! What the test pattern shows, drawn in virtual time.

use std::time::Instant;

use maru_media::FramePool;

use super::super::clock::tick;
use super::super::sounds::{BLOCK, BLOCKS, Source};
use super::super::tone::Tone;
use super::*;

/// 2026-01-01.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

fn draw(pattern: &mut Pattern, unix: Duration) -> VideoFrame {
    let format = pattern.format();
    let mut frame = FramePool::new().take(format.width_px, format.height_px, Instant::now());
    let slot = pattern.rate().slot(unix);
    let tick = tick(pattern.rate(), slot - 1, slot);
    pattern.draw(&tick, &mut frame).unwrap();
    pattern.stamp(&mut frame, tick.time.as_millis() as u64);
    frame
}

fn luma(frame: &VideoFrame, x: u32, y: u32) -> u8 {
    frame.planes()[0][(y * frame.width_px() + x) as usize]
}

fn has_square(frame: &VideoFrame) -> bool {
    let side = frame.height_px() / 8;
    luma(frame, side / 2, frame.height_px() - side / 2) > 200
}

#[test]
fn the_time_code_tells_when_the_picture_was_captured() {
    for format in [VideoFormat::HD, VideoFormat { width_px: 320, height_px: 180, fps: 15 }] {
        let mut pattern = Pattern::new(format, 1);
        for ms in [0, 100, 12_345] {
            let unix = EPOCH + Duration::from_millis(ms);
            let frame = draw(&mut pattern, unix);
            let slot_time = pattern.rate().time(pattern.rate().slot(unix));
            assert_eq!(timecode::read(&frame), Some(slot_time.as_millis() as u64));
        }
    }
}

#[test]
fn bars_and_texture_move_from_picture_to_picture() {
    let mut pattern = Pattern::new(VideoFormat::HD, 1);
    let first = draw(&mut pattern, EPOCH + Duration::from_millis(200));
    let second = draw(&mut pattern, EPOCH + Duration::from_millis(400));
    let changed = |rows: std::ops::Range<usize>| {
        let range = rows.start * 1280..rows.end * 1280;
        let pair = first.planes()[0][range.clone()].iter().zip(&second.planes()[0][range]);
        pair.filter(|(a, b)| a.abs_diff(**b) > 8).count()
    };
    assert!(changed(100..400) > 300 * 8 * 10, "bars stand still");
    assert!(changed(440..700) > 260 * 1280 / 4, "texture stands still");
}

#[test]
fn the_texture_has_detail_and_the_bars_have_colour() {
    let mut pattern = Pattern::new(VideoFormat::HD, 1);
    let frame = draw(&mut pattern, EPOCH);
    let [y, u, _] = frame.planes();
    let rough = |row: &[u8]| row.windows(2).map(|pair| u64::from(pair[0].abs_diff(pair[1]))).sum::<u64>();
    let texture = rough(&y[600 * 1280..601 * 1280]);
    assert!(texture > 1280 * 2, "mean step below two: {texture}");
    let bars: std::collections::HashSet<u8> = u[100 * 640..101 * 640].iter().copied().collect();
    assert!(bars.len() >= 5, "{bars:?}");
}

#[test]
fn variants_look_different() {
    let colours = |variant| {
        let frame = draw(&mut Pattern::new(VideoFormat::HD, variant), EPOCH);
        let [_, u, v] = frame.planes();
        (u[200 * 640 + 300], v[200 * 640 + 300])
    };
    assert_ne!(colours(1), colours(2));
    assert_ne!(colours(2), colours(3));
}

#[test]
fn the_white_square_shows_once_a_second_with_the_beep() {
    let mut pattern = Pattern::new(VideoFormat::HD, 1);
    let mut tone = Tone::new();
    let rate = pattern.rate();
    let first = rate.slot(EPOCH);
    let mut squares = Vec::new();
    for slot in first - 30..first + 60 {
        if has_square(&draw(&mut pattern, rate.time(slot))) {
            squares.push(rate.time(slot));
        }
    }
    assert_eq!(squares, [EPOCH - Duration::from_secs(1), EPOCH, EPOCH + Duration::from_secs(1)]);
    for square in squares {
        // The beep is the loud part; it begins with the block whose slot begins with the square.
        let loud = |slot: u64, tone: &mut Tone| {
            let mut block = [0.0; BLOCK];
            tone.block(&tick(BLOCKS, slot - 1, slot), &mut block).unwrap();
            block.iter().any(|sample| sample.abs() > 0.2)
        };
        let slot = BLOCKS.slot(square);
        let heard: Vec<bool> = (slot - 1..slot + 3).map(|slot| loud(slot, &mut tone)).collect();
        assert_eq!(heard, [false, true, true, false]);
    }
}

#[test]
fn odd_and_extreme_formats_become_possible_ones() {
    for (width_px, height_px, fps) in [(0, 0, 0), (641, 361, 30), (u32::MAX, 1, 1000)] {
        let mut pattern = Pattern::new(VideoFormat { width_px, height_px, fps }, u32::MAX);
        let format = pattern.format();
        assert_eq!((format.width_px % 2, format.height_px % 2), (0, 0));
        assert!((1..=60).contains(&format.fps));
        draw(&mut pattern, EPOCH);
    }
}
