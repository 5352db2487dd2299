//! Real cameras through the front door. The kernel's `vivid` driver makes two of them, in the guest that
//! `cargo xtask test-camera` boots: they are listed, opened, closed, switched, taken away by other programs,
//! unplugged, and fail in the ways that drivers fail.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // helpers of tests

mod vivid;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use maru_devices::{Options, SystemDevices};
use maru_media::device::{Camera, VideoFormat};
use maru_media::frame::FrameReader;
use maru_media::{DeviceError, DeviceId, DeviceKind, Devices, LatestFrame, System, VideoFrame};
use v4l::FourCC;
use v4l::video::Capture;
use vivid::bars::{alike, assert_bars, colour};
use vivid::{GREEN, LONG, NAMES, Order, Viewer, held, until};

const SMALL: VideoFormat = VideoFormat { width_px: 320, height_px: 180, fps: 10 };

/// Both cameras as they are when nobody did anything to them.
fn devices() -> SystemDevices {
    vivid::reset();
    assert_dark();
    SystemDevices::new(Options::default())
}

/// No camera's light is on because of this process.
fn assert_dark() {
    let held = held();
    assert!(held.is_empty(), "{held:?}");
}

fn id(camera: usize) -> DeviceId {
    DeviceId::new(format!("camera:{}", NAMES[camera]))
}

/// The ids of the real cameras.
fn listed(devices: &SystemDevices) -> Vec<DeviceId> {
    let cameras = devices.list().cameras.into_iter();
    cameras.filter(|camera| !camera.synthetic).map(|camera| camera.id).collect()
}

/// An open camera and what comes out of it.
struct Open {
    camera: Box<dyn Camera>,
    reader: FrameReader,
    lost: Receiver<DeviceError>,
}

fn try_open(devices: &SystemDevices, camera: usize, format: VideoFormat) -> Result<Open, DeviceError> {
    let (report, lost) = mpsc::channel();
    let output = LatestFrame::new();
    let reader = output.reader();
    let on_lost = Box::new(move |error| report.send(error).unwrap());
    let camera = devices.open_camera(&id(camera), format, output, on_lost)?;
    Ok(Open { camera, reader, lost })
}

fn open(devices: &SystemDevices, camera: usize, format: VideoFormat) -> Open {
    try_open(devices, camera, format).unwrap_or_else(|error| panic!("{error}"))
}

impl Open {
    fn next(&mut self) -> Arc<VideoFrame> {
        let frame = self.reader.wait(LONG);
        frame.unwrap_or_else(|| panic!("no picture; lost: {:?}", self.lost.try_recv()))
    }

    /// Lets go of it; says how long that took.
    fn close(self) -> Duration {
        let started = Instant::now();
        drop(self.camera);
        started.elapsed()
    }
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn cameras_are_listed_by_their_lasting_names_and_nothing_else_is() {
    let devices = devices();
    let cameras = devices.list().cameras;
    let found: Vec<_> = cameras.iter().map(|camera| (camera.id.clone(), camera.name.as_str())).collect();
    // The driver has a node for metadata too, which is no camera.
    assert_eq!(found, [(id(0), NAMES[0]), (id(1), NAMES[1])]);
    assert!(cameras.iter().all(|camera| !camera.synthetic));
    assert_eq!(cameras.iter().filter(|camera| camera.default).count(), 1);
    assert_eq!(devices.list().cameras, cameras);
    assert_dark();
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn sizes_and_rates_that_a_camera_has_are_what_is_delivered() {
    let devices = devices();
    for (width_px, height_px, fps) in [(320, 180, 5), (640, 360, 10), (640, 480, 15), (1280, 720, 10)] {
        let wanted = VideoFormat { width_px, height_px, fps };
        let mut open = open(&devices, 0, wanted);
        assert_eq!(open.camera.format(), wanted);
        let first = open.next();
        assert_bars(&first);
        assert_eq!((first.width_px(), first.height_px()), (width_px, height_px));
        if fps == 5 {
            let mut last = open.next();
            for _ in 0..9 {
                last = open.next();
            }
            assert_eq!(open.reader.skipped(), 0);
            let seconds = last.captured().duration_since(first.captured()).as_secs_f64();
            assert!((1.8..2.6).contains(&seconds), "10 pictures in {seconds} s are not 5 in a second");
        }
    }
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn of_what_a_camera_has_the_nearest_to_the_wish_is_taken() {
    let devices = devices();
    // The driver has 720 rows only at 10 a second: a smooth picture is worth more.
    let mut open = open(&devices, 0, VideoFormat::HD);
    assert_eq!(open.camera.format(), VideoFormat { width_px: 640, height_px: 360, fps: 30 });
    assert_bars(&open.next());
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn a_closed_camera_is_dark_at_once_and_opens_again() {
    let devices = devices();
    for _ in 0..3 {
        let mut open = open(&devices, 0, SMALL);
        assert_bars(&open.next());
        assert!(!held().is_empty());
        let took = open.close();
        // A picture's time, and what an emulated guest adds.
        assert!(took < Duration::from_millis(900), "closing took {took:?}");
        assert_dark();
        // Any other program can have it now.
        Viewer::start(NAMES[0]).look();
    }
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn switching_shows_the_other_camera_and_lets_go_of_the_first() {
    let devices = devices();
    vivid::order(NAMES[1], Order::Pattern, GREEN);
    let mut bars = open(&devices, 0, SMALL);
    assert_bars(&bars.next());
    // Both at once, as while switching.
    let mut green = open(&devices, 1, SMALL);
    let frame = green.next();
    let places = [(50, 50), (500, 500), (950, 950)];
    let seen = places.map(|(across, down)| colour(&frame, across, down));
    // Pure green in BT.601, limited range.
    assert!(seen.iter().all(|seen| alike(*seen, [145, 54, 34])), "{seen:?}");
    assert_bars(&bars.next());
    bars.close();
    Viewer::start(NAMES[0]).look();
    green.next();
    assert!(green.lost.try_recv().is_err());
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn a_camera_that_another_program_has_is_busy_and_stays_with_that_program() {
    let devices = devices();
    let mut viewer = Viewer::start(NAMES[0]);
    let before = vivid::device(NAMES[0]).params().unwrap().interval;
    let error = try_open(&devices, 0, SMALL).err().unwrap();
    assert_eq!(
        error,
        DeviceError::Busy { kind: DeviceKind::Camera, name: NAMES[0].into(), system: System::Linux }
    );
    viewer.look();
    let after = vivid::device(NAMES[0]).params().unwrap().interval;
    assert_eq!((before.numerator, before.denominator), (after.numerator, after.denominator));
    // Listed all the same, and the other camera can be had.
    assert_eq!(listed(&devices), [id(0), id(1)]);
    assert_bars(&open(&devices, 1, SMALL).next());
    drop(viewer);
    assert_bars(&open(&devices, 0, SMALL).next());
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn whatever_pixel_format_another_program_left_a_camera_at_it_opens() {
    let devices = devices();
    let offered = vivid::device(NAMES[0]).enum_formats().unwrap();
    let fourccs: Vec<FourCC> = offered.iter().map(|offer| offer.fourcc).collect();
    assert!(fourccs.len() > 30, "{fourccs:?}");
    for fourcc in fourccs {
        vivid::leave(NAMES[0], fourcc, (640, 480), (15, 1));
        match try_open(&devices, 0, SMALL) {
            Ok(mut open) => assert_bars(&open.next()),
            Err(error) => panic!("left at {fourcc}: {error}"),
        }
    }
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn whatever_rate_another_program_left_a_camera_at_it_opens() {
    let devices = devices();
    // 12.5 a second is the fastest that the driver has at this size: 30 cannot be set to get away from it.
    for fourcc in [b"YUYV", b"GREY"] {
        let rate = vivid::leave(NAMES[0], FourCC::new(fourcc), (1280, 720), (25, 2));
        assert_eq!(rate, (25, 2));
        for wanted in [SMALL, VideoFormat::HD] {
            match try_open(&devices, 0, wanted) {
                Ok(mut open) => assert_bars(&open.next()),
                Err(error) => panic!("left at 12.5 pictures a second: {error}"),
            }
        }
    }
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn a_camera_that_delivers_nothing_any_more_is_lost_and_nobody_waits_for_it() {
    let devices = devices();
    let mut open = open(&devices, 0, SMALL);
    open.next();
    vivid::order(NAMES[0], Order::Dropped, 100);
    let error = open.lost.recv_timeout(Duration::from_secs(8)).unwrap();
    assert_eq!(error, DeviceError::Lost { kind: DeviceKind::Camera, name: NAMES[0].into() });
    let took = open.close();
    assert!(took < Duration::from_secs(4), "letting go took {took:?}");
    // The other one is not affected, nor is this one when it works again.
    assert_bars(&self::open(&devices, 1, SMALL).next());
    vivid::order(NAMES[0], Order::Dropped, 0);
    until("released", || held().is_empty());
    assert_bars(&self::open(&devices, 0, SMALL).next());
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn a_camera_that_fails_in_mid_call_is_lost_and_can_be_opened_anew() {
    let devices = devices();
    for fault in [Order::FailToCapture, Order::Disconnect] {
        let mut other = open(&devices, 1, SMALL);
        let mut open = open(&devices, 0, SMALL);
        open.next();
        vivid::order(NAMES[0], fault, 1);
        let error = open.lost.recv_timeout(Duration::from_secs(8)).unwrap();
        assert_eq!(error, DeviceError::Lost { kind: DeviceKind::Camera, name: NAMES[0].into() });
        open.close();
        assert_bars(&other.next());
        other.close();
        assert_dark();
        assert_bars(&self::open(&devices, 0, SMALL).next());
    }
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn a_camera_that_cannot_start_says_what_the_system_said_and_not_that_it_is_gone() {
    let devices = devices();
    vivid::order(NAMES[0], Order::FailToStart, 1);
    let error = match try_open(&devices, 0, SMALL) {
        Ok(open) => open.lost.recv_timeout(LONG).unwrap(),
        Err(error) => error,
    };
    let said = error.to_string();
    assert!(matches!(error, DeviceError::Failed { .. }) && said.contains("Invalid argument"), "{said}");
    assert_bars(&open(&devices, 0, SMALL).next());
}

#[test]
#[ignore = "needs the kernel's vivid driver: cargo xtask test-camera"]
fn an_unplugged_camera_is_lost_and_unlisted_and_the_same_one_when_it_is_back() {
    let devices = devices();
    let before = devices.list().cameras;
    let mut open = open(&devices, 0, SMALL);
    open.next();
    vivid::unplug();
    let error = open.lost.recv_timeout(Duration::from_secs(8)).unwrap();
    assert_eq!(error, DeviceError::Lost { kind: DeviceKind::Camera, name: NAMES[0].into() });
    let took = open.close();
    assert!(took < Duration::from_secs(2), "letting go took {took:?}");
    assert_dark();
    assert_eq!(listed(&devices), []);
    let error = try_open(&devices, 0, SMALL).err().unwrap();
    assert_eq!(error, DeviceError::Unknown { kind: DeviceKind::Camera, id: id(0) });
    vivid::plug();
    until("listed again", || {
        let listed = listed(&devices);
        // Never by a passing name: what was chosen is known by its lasting one.
        assert!(
            listed.iter().all(|camera| NAMES.contains(&camera.as_str().trim_start_matches("camera:"))),
            "{listed:?}"
        );
        listed.len() == 2
    });
    assert_eq!(devices.list().cameras, before);
    vivid::reset();
    assert_bars(&self::open(&devices, 0, SMALL).next());
}
