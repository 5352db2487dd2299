//! Synthetic devices through the front door: the list, the ids, and what comes out of them.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use maru_devices::{Options, SystemDevices};
use maru_media::audio::ring::ring;
use maru_media::device::VideoFormat;
use maru_media::video::timecode;
use maru_media::{DeviceError, DeviceId, DeviceKind, Devices, LatestFrame};

const LONG: Duration = Duration::from_secs(20);

fn devices() -> SystemDevices {
    SystemDevices::new(Options { synthetic: true })
}

fn id(text: &str) -> DeviceId {
    DeviceId::new(text)
}

fn open_camera(name: &str, output: &std::sync::Arc<LatestFrame>) -> Result<(), String> {
    let opened = devices().open_camera(&id(name), VideoFormat::HD, output.clone(), Box::new(|_| {}));
    opened.map(drop).map_err(|error| error.to_string())
}

#[test]
fn synthetic_devices_are_listed_and_one_of_each_kind_is_preferred() {
    let list = devices().list();
    for (kind, wanted) in [
        (DeviceKind::Camera, "test-pattern"),
        (DeviceKind::Microphone, "tone"),
        (DeviceKind::Speaker, "null"),
    ] {
        assert!(list.of(kind).iter().any(|device| device.id.as_str() == wanted && device.synthetic));
        assert!(list.preferred(kind).is_some());
        assert_eq!(list.of(kind).iter().filter(|device| device.default).count(), 1, "{kind}");
    }
}

#[test]
fn listing_is_quick_and_can_be_repeated() {
    let devices = devices();
    let first = devices.list();
    let started = Instant::now();
    assert_eq!(devices.list(), first);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn the_test_pattern_delivers_its_rate_with_the_current_time_in_every_picture() {
    let started = Instant::now();
    let output = LatestFrame::new();
    let devices = devices();
    let camera =
        devices.open_camera(&id("test-pattern"), VideoFormat::HD, output.clone(), Box::new(|_| {})).unwrap();
    assert_eq!(camera.format(), VideoFormat::HD);
    let mut reader = output.reader();
    let first = timecode::read(&reader.wait(LONG).unwrap()).unwrap();
    let mut last = first;
    while last < first + 1000 {
        let frame = reader.wait(LONG).unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
        let code = timecode::read(&frame).unwrap();
        // A picture drawn late may come in the same millisecond as the next one.
        assert!(code >= last && code <= now, "{last} <= {code} <= {now}");
        last = code;
    }
    // A machine that is busy delivers less, but never more than the rate.
    let pictures = output.count() as f64;
    let most = started.elapsed().as_secs_f64() * 30.0 + 2.0;
    assert!((10.0..=most).contains(&pictures), "{pictures} pictures, at most {most}");
    drop(camera);
    let count = output.count();
    assert!(reader.wait(Duration::from_millis(100)).is_none(), "a dropped camera delivers nothing");
    assert_eq!(output.count(), count);
}

#[test]
fn two_microphones_of_one_machine_beep_together() {
    let devices = devices();
    let mut ends = Vec::new();
    let mut open = Vec::new();
    for _ in 0..2 {
        let (producer, consumer) = ring(96_000);
        open.push(devices.open_microphone(&id("tone"), producer, Box::new(|_| {})).unwrap());
        ends.push(consumer);
    }
    let beeps = ends.iter_mut().map(|consumer| {
        // From anywhere in a second, the beep comes within the next one.
        assert!(consumer.wait(60_000, LONG));
        let mut sound = vec![0.0; consumer.available()];
        consumer.pull(&mut sound);
        let left = sound.len() - sound.iter().position(|sample| sample.abs() > 0.2).unwrap();
        Instant::now() - Duration::from_secs_f64(left as f64 / 48_000.0)
    });
    let beeps: Vec<Instant> = beeps.collect();
    let apart = beeps[0].max(beeps[1]) - beeps[0].min(beeps[1]);
    // Whole seconds apart, if the two were read on different sides of one.
    let apart = apart.as_secs_f64();
    assert!((apart - apart.round()).abs() < 0.25, "{apart} s apart");
}

#[test]
fn an_unknown_id_is_said_to_be_unknown() {
    let devices = devices();
    let camera = open_camera("camera:no-such-thing", &LatestFrame::new()).unwrap_err();
    assert!(camera.contains("There is no camera “camera:no-such-thing”"), "{camera}");
    let (producer, consumer) = ring(4800);
    let name = id("microphone:alsa:no-such-thing");
    let microphone = devices.open_microphone(&name, producer, Box::new(|_| {})).err().unwrap();
    assert_eq!(microphone, DeviceError::Unknown { kind: DeviceKind::Microphone, id: name });
    let name = id("nonsense");
    let speaker = devices.open_speaker(&name, consumer, Box::new(|_| {})).err().unwrap();
    assert_eq!(speaker, DeviceError::Unknown { kind: DeviceKind::Speaker, id: name });
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a film\n").unwrap();
    let path = format!("file:{}", text.display());
    let camera = open_camera(&path, &LatestFrame::new()).unwrap_err();
    assert!(camera.contains("notes.txt cannot be used as a camera: it is not a .y4m file"), "{camera}");
    let (producer, _consumer) = ring(4800);
    let microphone = devices().open_microphone(&id(&path), producer, Box::new(|_| {})).err().unwrap();
    let microphone = microphone.to_string();
    assert!(microphone.contains("notes.txt cannot be used as a microphone: it is"), "{microphone}");
}

#[test]
fn a_file_that_shrinks_while_it_is_played_is_reported_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    let mut film = b"YUV4MPEG2 W16 H8 F60:1\n".to_vec();
    for _ in 0..3 {
        film.extend(b"FRAME\n");
        film.extend([100; 192]);
    }
    std::fs::write(&path, &film).unwrap();
    let (report, lost) = mpsc::channel();
    let output = LatestFrame::new();
    let name = id(&format!("file:{}", path.display()));
    let on_lost = Box::new(move |error| report.send(error).unwrap());
    let _camera = devices().open_camera(&name, VideoFormat::HD, output.clone(), on_lost).unwrap();
    assert!(output.reader().wait(LONG).is_some());
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(50).unwrap();
    let error = lost.recv_timeout(LONG).unwrap();
    assert!(matches!(error, DeviceError::File { kind: DeviceKind::Camera, .. }), "{error}");
}

#[test]
fn what_goes_into_a_file_can_be_played_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let name = id(&format!("file:{}", folder.path().join("out.wav").display()));
    let devices = devices();
    let (mut into, speaker_end) = ring(48_000);
    into.push(&[0.25; 9600]);
    let speaker = devices.open_speaker(&name, speaker_end, Box::new(|_| {})).unwrap();
    assert!(into.wait_below(0, LONG));
    drop(speaker);
    let (microphone_end, mut out) = ring(48_000);
    let _microphone = devices.open_microphone(&name, microphone_end, Box::new(|_| {})).unwrap();
    assert!(out.wait(4800, LONG));
    let mut heard = [0.0; 4800];
    out.pull(&mut heard);
    assert!(heard.iter().all(|sample| (sample - 0.25).abs() < 1e-3));
}
