//! The cameras that the kernel's `vivid` driver makes, as the world around Maru sees them: other programs,
//! the driver's own faults, the plug.

pub mod bars;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use v4l::buffer::Type;
use v4l::control::{Control, Value};
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

/// Bounds every wait; an emulated guest is slow.
pub const LONG: Duration = Duration::from_secs(60);
/// What the driver calls its cameras.
pub const NAMES: [&str; 2] = ["vivid-000-vid-cap", "vivid-001-vid-cap"];

const DRIVER: &str = "/sys/bus/platform/drivers/vivid";
const PLUG: &str = "vivid.0";

/// What the driver can be told to do, by the numbers of `vivid-ctrls.c` in the kernel.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Order {
    /// Which picture to show: 0 for 75 % bars.
    Pattern = 0x00F0_F000,
    /// 2: no text in the picture.
    Text = 0x00F0_F001,
    /// Of how many percent of the pictures nothing is to be seen.
    Dropped = 0x00F0_F040,
    /// The camera is gone until the last program has closed it.
    Disconnect = 0x00F0_F041,
    /// The next start fails.
    FailToStart = 0x00F0_F045,
    /// Capturing fails for good.
    FailToCapture = 0x00F0_F046,
}

/// The pattern that is green all over.
pub const GREEN: i64 = 8;

/// A camera as another program has it open.
pub fn device(name: &str) -> Device {
    let nodes = fs::read_dir("/sys/class/video4linux").unwrap().map(|node| node.unwrap().path());
    let mut found =
        nodes.filter(|node| fs::read_to_string(node.join("name")).is_ok_and(|found| found.trim() == name));
    let node = found.next().unwrap_or_else(|| panic!("no {name}; run this by `cargo xtask test-camera`"));
    Device::with_path(PathBuf::from("/dev").join(node.file_name().unwrap())).unwrap()
}

/// Tells a camera's driver something.
pub fn order(name: &str, order: Order, value: i64) {
    let control = Control { id: order as u32, value: Value::Integer(value) };
    device(name).set_control(control).unwrap();
}

/// Sets what another program leaves behind; gives the rate that the driver made of it.
pub fn leave(name: &str, fourcc: FourCC, size: (u32, u32), rate: (u32, u32)) -> (u32, u32) {
    let device = device(name);
    let set = device.set_format(&Format::new(size.0, size.1, fourcc)).unwrap();
    assert_eq!((set.fourcc, set.width, set.height), (fourcc, size.0, size.1));
    let interval = v4l::Fraction::new(rate.1, rate.0);
    let params = device.set_params(&Parameters::new(interval)).unwrap();
    (params.interval.denominator, params.interval.numerator)
}

/// Puts both cameras back to bars, a usual format, and no faults.
pub fn reset() {
    for name in NAMES {
        for (what, value) in [(Order::Pattern, 0), (Order::Text, 2), (Order::Dropped, 0)] {
            order(name, what, value);
        }
        leave(name, FourCC::new(b"YUYV"), (640, 360), (30, 1));
    }
}

/// Another program that has a camera and looks at its pictures.
pub struct Viewer {
    stream: Stream<'static>,
    _device: Device,
}

impl Viewer {
    /// Starts to look.
    pub fn start(name: &str) -> Self {
        let device = device(name);
        let stream = Stream::new(&device, Type::VideoCapture).unwrap();
        let mut viewer = Self { stream, _device: device };
        viewer.look();
        viewer
    }

    /// Waits for a picture.
    pub fn look(&mut self) {
        self.stream.set_timeout(LONG);
        assert!(!self.stream.next().unwrap().0.is_empty());
    }
}

/// Pulls the plug of both cameras: the driver makes them as one device.
pub fn unplug() {
    fs::write(format!("{DRIVER}/unbind"), PLUG).unwrap();
}

/// Plugs both cameras in again.
pub fn plug() {
    fs::write(format!("{DRIVER}/bind"), PLUG).unwrap();
}

/// The device nodes of cameras that this process has open.
pub fn held() -> Vec<PathBuf> {
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let paths = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    paths.filter(|path| path.starts_with("/dev") && path.to_string_lossy().contains("video")).collect()
}

/// Waits until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < LONG, "{what}: not within {LONG:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    started.elapsed()
}
