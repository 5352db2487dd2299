//! Cameras that work, hang, break and lie, without any real one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

use nokhwa::utils::FrameFormat;

use super::*;

const LONG: Duration = Duration::from_secs(30);
const SMALL: VideoFormat = VideoFormat { width_px: 4, height_px: 4, fps: 30 };
/// Long enough for a busy machine.
const PATIENT: Limits = Limits { next: LONG, first: LONG, answer: Duration::from_millis(60), patience: LONG };

/// A camera whose pictures the test hands in; it waits for them as a driver does.
struct Fake {
    pictures: Receiver<Result<Vec<u8>, DeviceError>>,
    released: Arc<AtomicBool>,
}

impl Source for Fake {
    fn name(&self) -> String {
        "Fake".to_owned()
    }

    fn format(&self) -> VideoFormat {
        SMALL
    }

    fn claim(&self) -> Claim {
        Claim { format: FrameFormat::YUYV, width_px: 4, height_px: 4 }
    }

    fn next(&mut self) -> Result<Cow<'_, [u8]>, DeviceError> {
        let picture = self.pictures.recv_timeout(LONG);
        picture.unwrap_or(Err(DeviceError::None(DeviceKind::Camera))).map(Cow::Owned)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.released.store(true, Ordering::SeqCst);
    }
}

struct Bench {
    camera: Result<Box<dyn Camera>, DeviceError>,
    pictures: Sender<Result<Vec<u8>, DeviceError>>,
    released: Arc<AtomicBool>,
    output: Arc<LatestFrame>,
    lost: Receiver<DeviceError>,
}

fn bench(permission: impl FnOnce() -> Permission + Send + 'static, limits: Limits) -> Bench {
    let (pictures, coming) = mpsc::channel();
    let (report, lost) = mpsc::channel();
    let released = Arc::new(AtomicBool::new(false));
    let output = LatestFrame::new();
    let fake = Fake { pictures: coming, released: Arc::clone(&released) };
    let camera = open(
        "Fake".to_owned(),
        VideoFormat::HD,
        permission,
        move || Ok(fake),
        Arc::clone(&output),
        Lost::new(Box::new(move |error| {
            let _ = report.send(error);
        })),
        limits,
    );
    Bench { camera, pictures, released, output, lost }
}

fn picture() -> Vec<u8> {
    [50, 90, 50, 170].repeat(8)
}

#[test]
fn pictures_are_published_until_the_camera_is_dropped_and_released() {
    let bench = bench(|| Permission::Granted, PATIENT);
    let camera = bench.camera.unwrap();
    assert_eq!(camera.format(), SMALL);
    let mut reader = bench.output.reader();
    for _ in 0..3 {
        bench.pictures.send(Ok(picture())).unwrap();
        assert_eq!(reader.wait(LONG).unwrap().planes()[0], [50; 16]);
    }
    // A driver returns from waiting with one more picture, which nobody wants any more.
    let (pictures, released) = (bench.pictures.clone(), Arc::clone(&bench.released));
    let driver = std::thread::spawn(move || {
        while !released.load(Ordering::SeqCst) && pictures.send(Ok(picture())).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    drop(camera);
    assert!(bench.released.load(Ordering::SeqCst), "dropped is released");
    assert!(bench.lost.try_recv().is_err());
    driver.join().unwrap();
}

#[test]
fn a_camera_that_hangs_is_reported_lost_and_abandoned() {
    let limits = Limits { next: Duration::from_millis(100), ..PATIENT };
    let bench = bench(|| Permission::Granted, limits);
    bench.pictures.send(Ok(picture())).unwrap();
    let error = bench.lost.recv_timeout(LONG).unwrap();
    assert!(matches!(error, DeviceError::Lost { kind: DeviceKind::Camera, .. }), "{error}");
    // What it delivers after all is not shown.
    let count = bench.output.count();
    bench.pictures.send(Ok(picture())).unwrap();
    drop(bench.camera);
    assert!(bench.released.load(Ordering::SeqCst));
    assert_eq!(bench.output.count(), count);
}

#[test]
fn a_camera_that_fails_reports_why_once() {
    let bench = bench(|| Permission::Granted, PATIENT);
    let gone = DeviceError::Lost { kind: DeviceKind::Camera, name: "Fake".into() };
    bench.pictures.send(Err(gone.clone())).unwrap();
    assert_eq!(bench.lost.recv_timeout(LONG), Ok(gone));
    drop(bench.camera);
    assert_eq!(bench.lost.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_damaged_picture_is_left_out_and_many_in_a_row_are_an_error() {
    let bench = bench(|| Permission::Granted, PATIENT);
    let mut reader = bench.output.reader();
    bench.pictures.send(Ok(vec![1, 2, 3])).unwrap();
    bench.pictures.send(Ok(picture())).unwrap();
    assert!(reader.wait(LONG).is_some());
    for _ in 0..BAD_LIMIT {
        bench.pictures.send(Ok(vec![1, 2, 3])).unwrap();
    }
    let error = bench.lost.recv_timeout(LONG).unwrap();
    assert!(matches!(error, DeviceError::Failed { .. }), "{error}");
}

#[test]
fn a_camera_that_the_person_forbids_is_denied() {
    let (answer, asked) = mpsc::channel();
    answer.send(false).unwrap();
    let bench = bench(|| Permission::Asked(asked), PATIENT);
    assert_eq!(bench.camera.err(), Some(platform::denied(DeviceKind::Camera)));
}

#[test]
fn a_person_who_thinks_it_over_does_not_hold_up_the_caller() {
    let (answer, asked) = mpsc::channel();
    let bench = bench(|| Permission::Asked(asked), PATIENT);
    let camera = bench.camera.unwrap();
    assert_eq!(camera.format(), VideoFormat::HD, "not known yet");
    answer.send(true).unwrap();
    bench.pictures.send(Ok(picture())).unwrap();
    assert!(bench.output.reader().wait(LONG).is_some());
    drop(bench.pictures);
    drop(camera);
}
