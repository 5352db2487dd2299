//! Linux: V4L2, PulseAudio and ALSA; X11, the desktop's portal and PipeWire.

mod portal;
mod pulseaudio;
mod screen;
mod x11;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cpal::traits::DeviceTrait;
use cpal::{Device, DeviceId, ErrorKind, HostId};
use maru_media::device::VideoFormat;
use maru_media::{DeviceKind, System};
use nokhwa::utils::{CameraInfo, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};
use parking_lot::Mutex;
use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::{Discrete, FrameSizeEnum};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Format, FourCC};

pub use self::screen::{asks_person, open_screen, screen_sources};
use super::{Permission, Trouble, classify};

/// What a person has to do is told for this one.
pub const SYSTEM: System = System::Linux;
/// Where sound devices are looked for: PulseAudio, or PipeWire in its place, knows what the person chose
/// in the desktop's settings and has wireless headsets, too; ALSA is there in any case.
pub const SOUND_HOSTS: &[HostId] = &[HostId::PulseAudio, HostId::Alsa];
/// Streams do not change each other's rate.
pub const KEEPS_SOUND_RATE: bool = false;

/// Pixel formats that nokhwa can open.
const FOURCCS: [&[u8; 4]; 5] = [b"YUYV", b"MJPG", b"NV12", b"RGB3", b"BGR3"];
/// What a camera is set to that is set to something nokhwa cannot open.
const USUAL: (u32, u32, u32) = (1280, 720, 30);
/// How many settings are tried before a camera is left as it is.
const PREPARE_TRIES: usize = 40;

/// How long udev may take to name a camera that was plugged in.
const NAMING_LIMIT: Duration = Duration::from_secs(5);

/// For how long an answer whether the default sound device works is good: finding out means opening
/// it, and lists are asked for every second or two.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// Nothing is needed.
pub struct CameraThread;

/// Prepares a thread for calling the camera library.
pub fn enter_camera_thread() -> CameraThread {
    CameraThread
}

/// File permissions decide, at opening.
pub fn camera_permission() -> Permission {
    Permission::Granted
}

/// Whether this is a camera that can be used, rather than one of the nodes for metadata, infrared
/// pictures or codecs. What cannot be looked into is kept: opening it tells why.
pub fn is_camera(info: &CameraInfo) -> bool {
    let Ok(index) = info.index().as_index() else { return false };
    if awaits_name_in(Path::new("/"), index) {
        return false;
    }
    let Ok(device) = v4l::Device::new(index as usize) else { return true };
    let Ok(capabilities) = device.query_caps() else { return false };
    let takes_pictures = capabilities.capabilities.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING);
    takes_pictures
        && device
            .enum_formats()
            .is_ok_and(|formats| formats.iter().any(|format| FOURCCS.contains(&&format.fourcc.repr)))
}

/// Whether a camera that was just plugged in is still to be named by udev: until then it would be taken
/// for another one than before.
fn awaits_name_in(root: &Path, index: u32) -> bool {
    let node = format!("video{index}");
    let Ok(number) = fs::read_to_string(root.join("sys/class/video4linux").join(&node).join("dev")) else {
        return false;
    };
    let udev = root.join("run/udev");
    let runs = udev.join("control").exists();
    let done = udev.join("data").join(format!("c{}", number.trim())).exists();
    let new = || {
        let changed = fs::metadata(root.join("dev").join(&node)).and_then(|about| about.modified());
        changed.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < NAMING_LIMIT))
    };
    runs && !done && new()
}

/// What plugging in and unplugging a camera changes, so that cameras are opened and asked for what they can
/// do only then: that wakes them up.
pub fn camera_traces() -> Option<String> {
    camera_traces_in(Path::new("/")).ok()
}

fn camera_traces_in(root: &Path) -> std::io::Result<String> {
    traces_of(&root.join("dev"), |name| {
        let index = name.strip_prefix("video")?.parse().ok()?;
        Some(if awaits_name_in(root, index) { "unnamed" } else { "named" })
    })
}

/// Of the nodes in a folder for which there is a remark. What udev sets a moment after a node is there counts,
/// too: its owner and mode.
fn traces_of(folder: &Path, remark: impl Fn(&str) -> Option<&'static str>) -> std::io::Result<String> {
    let mut nodes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(remark) = remark(&name) else { continue };
        let about = entry.metadata()?;
        nodes.push(format!("{name} {} {}.{} {remark}\n", about.ino(), about.ctime(), about.ctime_nsec()));
    }
    nodes.sort();
    Ok(nodes.concat())
}

/// What plugging in and unplugging a sound card changes, where finding out what there is means opening it.
pub fn sound_traces(host: HostId) -> Option<String> {
    match host {
        // Without sound cards there is no such folder.
        HostId::Alsa => Some(traces_of(Path::new("/dev/snd"), |_| Some("")).unwrap_or_default()),
        _ => None,
    }
}

/// The name that udev gives the camera, by its serial number, else by the socket it is plugged into.
pub fn camera_name(info: &CameraInfo) -> String {
    camera_name_in(Path::new("/dev"), info.index().as_index().unwrap_or(0))
}

fn camera_name_in(dev: &Path, index: u32) -> String {
    let node = format!("video{index}");
    let target = fs::canonicalize(dev.join(&node)).ok();
    let linked = |folder: &str| {
        let links = fs::read_dir(dev.join("v4l").join(folder)).ok()?;
        let mut names: Vec<String> = links
            .filter_map(Result::ok)
            .filter(|link| fs::canonicalize(link.path()).ok() == target)
            .filter_map(|link| link.file_name().into_string().ok())
            .collect();
        names.sort();
        names.into_iter().next()
    };
    match target.is_some() {
        true => linked("by-id").or_else(|| linked("by-path")).unwrap_or(node),
        false => node,
    }
}

/// Sets a camera that another program left at something that nokhwa cannot read, such as a
/// compressed format or 29.97 pictures a second, to something usual, else to the first thing that it
/// can. Failures show at opening.
pub fn prepare_camera(info: &CameraInfo) {
    let Ok(index) = info.index().as_index() else { return };
    let Ok(device) = v4l::Device::new(index as usize) else { return };
    if is_readable(&device) {
        return;
    }
    let known: Vec<FourCC> =
        device.enum_formats().unwrap_or_default().into_iter().map(|it| it.fourcc).collect();
    let known: Vec<FourCC> = known.into_iter().filter(|fourcc| FOURCCS.contains(&&fourcc.repr)).collect();
    let (width, height, fps) = USUAL;
    let usual = known.iter().map(|fourcc| (Format::new(width, height, *fourcc), fps));
    let others = known.iter().flat_map(|fourcc| whole_rates(&device, *fourcc));
    for (format, fps) in usual.chain(others).take(PREPARE_TRIES) {
        let set = device.set_format(&format).and_then(|_| device.set_params(&Parameters::with_fps(fps)));
        if set.is_ok() && is_readable(&device) {
            return;
        }
    }
}

/// Whether nokhwa can make sense of what the camera is set to.
fn is_readable(device: &v4l::Device) -> bool {
    device.format().is_ok_and(|format| FOURCCS.contains(&&format.fourcc.repr))
        && device.params().is_ok_and(|params| params.interval.numerator == 1)
}

/// The sizes that a camera has with a whole number of pictures a second, with the largest such number.
fn whole_rates(device: &v4l::Device, fourcc: FourCC) -> Vec<(Format, u32)> {
    let sizes = device.enum_framesizes(fourcc).unwrap_or_default().into_iter();
    let sizes = sizes.filter_map(|size| match size.size {
        FrameSizeEnum::Discrete(size) => Some(size),
        FrameSizeEnum::Stepwise(_) => None,
    });
    let with_rate = |size: Discrete| {
        let intervals = device.enum_frameintervals(fourcc, size.width, size.height).unwrap_or_default();
        let rates = intervals.into_iter().filter_map(|interval| match interval.interval {
            FrameIntervalEnum::Discrete(interval) if interval.numerator == 1 => Some(interval.denominator),
            _ => None,
        });
        rates.max().map(|fps| (Format::new(size.width, size.height, fourcc), fps))
    };
    sizes.filter_map(with_rate).collect()
}

/// Any format will do at first: what the camera offers is asked for once it is open.
pub fn first_requests(_: VideoFormat) -> Vec<RequestedFormatType> {
    vec![RequestedFormatType::None]
}

/// Waits for the next picture.
pub fn next_picture(camera: &mut Camera) -> Result<Cow<'_, [u8]>, NokhwaError> {
    camera.frame_raw()
}

/// What a camera's error is about: EBUSY; EPERM, EACCES; ENOENT, EIO, ENXIO, ENODEV.
pub fn trouble(message: &str) -> Trouble {
    classify(
        message,
        &[
            (Trouble::Busy, &["(os error 16)"]),
            (Trouble::Denied, &["(os error 1)", "(os error 13)"]),
            (Trouble::Gone, &["(os error 2)", "(os error 5)", "(os error 6)", "(os error 19)"]),
        ],
    )
}

/// Lets the sound library into the service.
pub fn prepare_sound_service(host: HostId) {
    if host == HostId::PulseAudio {
        pulseaudio::prepare();
    }
}

/// PulseAudio gives a microphone half of the time that is asked for, keeps room for all of it, and throws away
/// what is longer than the room: of a sound card that cannot be so quick, nothing would arrive.
pub fn block_to_ask_for(device: &Device, kind: DeviceKind, wanted: Duration) -> Duration {
    let pulseaudio = device.id().ok().filter(|id| id.host() == HostId::PulseAudio);
    match pulseaudio {
        Some(id) if kind == DeviceKind::Microphone => 2 * wanted.max(pulseaudio::least_latency(id.id())),
        _ => wanted,
    }
}

/// ALSA's "default" is whatever the machine is set up for; its description says nothing.
pub fn names_default_sound_device(host: HostId) -> bool {
    host != HostId::Alsa
}

/// Whether this is something to speak into or to listen to: what plays on a speaker can also be recorded, and
/// PulseAudio calls that a source like any other, and even its default when there is no microphone.
pub fn is_sound_device(id: &DeviceId, kind: DeviceKind) -> bool {
    !(kind == DeviceKind::Microphone && id.host() == HostId::PulseAudio && id.id().ends_with(".monitor"))
}

/// Whether to list this device.
pub fn offers_sound_device(id: &DeviceId) -> bool {
    id.host() != HostId::Alsa || offers_pcm(id.id())
}

/// ALSA names dozens of ways to the same few devices. Of those of a card only `plughw` converts, and by
/// the card's name it stays the same after a restart; the rest is plumbing that "default" uses.
fn offers_pcm(id: &str) -> bool {
    const PLUMBING: [&str; 14] = [
        "default",
        "sysdefault",
        "null",
        "pulse",
        "pipewire",
        "jack",
        "oss",
        "lavrate",
        "samplerate",
        "speex",
        "speexrate",
        "upmix",
        "vdownmix",
        "usbstream",
    ];
    match id.split_once(":CARD=") {
        Some((kind, card)) => kind == "plughw" && !card.starts_with(|first: char| first.is_ascii_digit()),
        None => !PLUMBING.contains(&id) && !id.starts_with("hw:") && !id.starts_with("plughw:"),
    }
}

/// Whether ALSA's "default" leads anywhere: it is always named, also without any sound device.
pub fn default_sound_device_works(device: &Device, kind: DeviceKind) -> bool {
    if device.id().is_ok_and(|id| id.host() != HostId::Alsa) {
        return true; // it is one of those listed
    }
    static PROBES: Mutex<[Option<(Instant, bool)>; 2]> = Mutex::new([None; 2]);
    let slot = usize::from(kind == DeviceKind::Speaker);
    let now = Instant::now();
    if let Some((asked, works)) = PROBES.lock()[slot]
        && now.saturating_duration_since(asked) < PROBE_EVERY
    {
        return works;
    }
    let answer = match kind {
        DeviceKind::Microphone => device.supported_input_configs().map(|mut offers| offers.next().is_some()),
        _ => device.supported_output_configs().map(|mut offers| offers.next().is_some()),
    };
    // In use, by this very program perhaps, means that it works.
    let works = answer.unwrap_or_else(|error| error.kind() == ErrorKind::DeviceBusy);
    PROBES.lock()[slot] = Some((now, works));
    works
}

/// Keeps ALSA from writing to standard error on this thread, for as long as this lives and longer.
pub struct Quiet {
    _messages: Option<Rc<RefCell<alsa::Output>>>,
}

/// ALSA writes a line to standard error for every device that cannot be opened, which for a list is
/// nothing to tell anybody.
pub fn quiet_sound_library() -> Quiet {
    Quiet { _messages: alsa::Output::local_error_handler().ok() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_camera_is_named_by_its_serial_number_else_by_its_socket_else_by_its_node() {
        let folder = tempfile::tempdir().unwrap();
        let dev = folder.path();
        for folder in ["v4l/by-id", "v4l/by-path"] {
            fs::create_dir_all(dev.join(folder)).unwrap();
        }
        for node in ["video0", "video1", "video2"] {
            fs::write(dev.join(node), "").unwrap();
        }
        symlink("../../video0", dev.join("v4l/by-id/usb-Cam_1234-video-index0")).unwrap();
        symlink("../../video0", dev.join("v4l/by-path/pci-usb-0:1")).unwrap();
        symlink("../../video1", dev.join("v4l/by-path/pci-usb-0:2")).unwrap();
        assert_eq!(camera_name_in(dev, 0), "usb-Cam_1234-video-index0");
        assert_eq!(camera_name_in(dev, 1), "pci-usb-0:2");
        assert_eq!(camera_name_in(dev, 2), "video2");
        assert_eq!(camera_name_in(dev, 9), "video9");
    }

    #[test]
    fn a_new_camera_waits_for_its_name_where_udev_gives_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for folder in ["dev", "sys/class/video4linux/video0", "run/udev/data"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("dev/video0"), "").unwrap();
        fs::write(root.join("sys/class/video4linux/video0/dev"), "81:0\n").unwrap();
        assert!(!awaits_name_in(root, 0), "nobody gives names here");
        fs::write(root.join("run/udev/control"), "").unwrap();
        assert!(awaits_name_in(root, 0));
        assert!(!awaits_name_in(root, 1), "there is no such camera");
        let long_ago = SystemTime::now() - 2 * NAMING_LIMIT;
        fs::File::open(root.join("dev/video0")).unwrap().set_modified(long_ago).unwrap();
        assert!(!awaits_name_in(root, 0), "it gets none");
        fs::write(root.join("dev/video0"), "").unwrap();
        fs::write(root.join("run/udev/data/c81:0"), "").unwrap();
        assert!(!awaits_name_in(root, 0), "it has got one");
    }

    #[test]
    fn a_camera_that_is_plugged_in_leaves_traces_and_other_devices_leave_none() {
        let folder = tempfile::tempdir().unwrap();
        let dev = folder.path().join("dev");
        fs::create_dir(&dev).unwrap();
        let traces = || camera_traces_in(folder.path()).unwrap();
        let none = traces();
        fs::write(dev.join("sda"), "").unwrap();
        assert_eq!(traces(), none);
        fs::write(dev.join("video0"), "").unwrap();
        assert_ne!(traces(), none);
        fs::remove_file(dev.join("video0")).unwrap();
        assert_eq!(traces(), none);
    }

    #[test]
    fn what_plays_on_a_speaker_is_no_microphone() {
        let monitor = DeviceId::new(HostId::PulseAudio, "one.monitor");
        assert!(!is_sound_device(&monitor, DeviceKind::Microphone));
        assert!(is_sound_device(&DeviceId::new(HostId::PulseAudio, "headset"), DeviceKind::Microphone));
    }

    #[test]
    fn of_the_many_names_of_a_sound_card_one_is_offered() {
        let offered = ["plughw:CARD=PCH,DEV=0", "my_headset"];
        let plumbing = [
            "default",
            "null",
            "pulse",
            "hw:CARD=PCH,DEV=0",
            "plughw:CARD=0,DEV=0",
            "sysdefault:CARD=PCH",
            "front:CARD=PCH,DEV=0",
            "dmix:CARD=PCH,DEV=0",
        ];
        assert!(offered.iter().all(|id| offers_pcm(id)));
        assert!(plumbing.iter().all(|id| !offers_pcm(id)));
    }

    #[test]
    fn a_busy_a_forbidden_and_a_missing_camera_are_told_apart() {
        let open = |code: i32| {
            let error = std::io::Error::from_raw_os_error(code);
            trouble(&NokhwaError::OpenDeviceError("0".into(), format!("V4L2 Error: {error}")).to_string())
        };
        assert_eq!(open(16), Trouble::Busy);
        assert_eq!(open(13), Trouble::Denied);
        assert_eq!(open(1), Trouble::Denied);
        assert_eq!(open(19), Trouble::Gone);
        assert_eq!(open(22), Trouble::Other);
    }
}
