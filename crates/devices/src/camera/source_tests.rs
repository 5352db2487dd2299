//! Every pixel format that a real driver and the camera library have in common, captured as itself.

#![allow(clippy::unwrap_used)] // helpers of tests

#[path = "../../tests/vivid/bars.rs"]
mod bars;

use std::collections::BTreeSet;
use std::time::Instant;

use maru_media::FramePool;
use nokhwa::utils::FrameFormat;

use super::super::decode::Decoder;
use super::*;

const WANTED: VideoFormat = VideoFormat { width_px: 320, height_px: 180, fps: 10 };

/// Opens the first camera with what `choose` makes of its offers.
fn open(choose: impl FnOnce(&[CameraFormat]) -> Vec<CameraFormat>) -> SystemCamera {
    let name = find_all().remove(0).stable_name;
    let id = DeviceId::of_system(DeviceKind::Camera, &name);
    SystemCamera::open_as(&name, &id, WANTED, choose).unwrap_or_else(|error| panic!("{error}"))
}

/// Bars without the text that the driver writes over them.
fn plain_picture() {
    const TEXT: u32 = 0x00F0_F001;
    let index = find_all().remove(0).info.index().as_index().unwrap();
    let device = v4l::Device::new(index as usize).unwrap();
    device.set_control(v4l::Control { id: TEXT, value: v4l::control::Value::Integer(2) }).unwrap();
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn the_colours_are_right_in_every_pixel_format() {
    plain_picture();
    let mut formats = BTreeSet::new();
    drop(open(|offers| {
        formats.extend(offers.iter().map(CameraFormat::format));
        Vec::new()
    }));
    // The driver makes no JPEG. Grey pictures, which are infrared ones, are not wanted on Linux.
    let uncompressed = [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::RAWRGB, FrameFormat::RAWBGR];
    assert_eq!(formats, BTreeSet::from(uncompressed));
    // Sizes whose rows are and are not whole steps of anything, and a frame's last rows.
    for format in formats {
        for (width_px, height_px) in [(320, 180), (640, 360), (640, 480)] {
            let offer = CameraFormat::new_from(width_px, height_px, format, 10);
            let mut camera = open(|_| vec![offer]);
            assert_eq!(camera.format, offer, "the driver gives what is asked for");
            let claim = camera.claim();
            let data = camera.next().unwrap();
            let frame = Decoder::default().decode(claim, &data, Instant::now(), &FramePool::new()).unwrap();
            assert_eq!((frame.width_px(), frame.height_px()), (width_px, height_px));
            println!("{format} at {width_px} × {height_px}");
            bars::assert_bars(&frame);
        }
    }
}
