//! Real sound devices: a private PulseAudio daemon whose sound cards come and go, which the sound library
//! reaches as on a desktop, and through ALSA as on a system that has nothing else. Here without a call; with one
//! in `sound_call.rs`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::io::Write as _;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use maru_devices::{Options, SystemDevices};
use maru_media::audio::ring::{RingProducer, ring};
use maru_media::{DeviceError, DeviceId, DeviceInfo, DeviceKind, DeviceList, Devices};
use maru_tests::recording::{RATE_HZ, amplitude};
use maru_tests::sound::{Sound, Through};

const LONG: Duration = Duration::from_secs(20);
/// A person sees within three seconds what was plugged in or out, on a machine that does nothing else.
const SEEN_LIMIT: Duration = Duration::from_secs(6);

/// A microphone that hears a note.
const MIC: &str = "module-null-sink sink_name=air; module-sine sink=air frequency=440; \
    module-remap-source source_name=mic master=air.monitor";

const TWO_CARDS: [&str; 2] = [
    "module-null-sink sink_name=one rate=48000 sink_properties=device.description=First",
    "module-null-sink sink_name=two rate=44100 sink_properties=device.description=Second",
];

fn devices() -> SystemDevices {
    SystemDevices::new(Options::default())
}

fn named<'a>(list: &'a DeviceList, kind: DeviceKind, name: &str) -> &'a DeviceInfo {
    let found = list.of(kind).iter().find(|device| device.name == name && !device.follows_system);
    found.unwrap_or_else(|| panic!("no {kind} {name}: {list:?}"))
}

/// Listens until a tone is heard, or nothing.
fn assert_hears(devices: &SystemDevices, microphone: &DeviceId, hz: f32) {
    let (microphone_end, mut heard) = ring(RATE_HZ);
    let _microphone = devices.open_microphone(microphone, microphone_end, Box::new(|_| {})).unwrap();
    let started = Instant::now();
    let mut best = 0.0_f32;
    while started.elapsed() < LONG {
        assert!(heard.wait(RATE_HZ / 5, LONG), "the microphone delivers nothing");
        let mut sound = vec![0.0; RATE_HZ / 5];
        heard.pull(&mut sound);
        let tone = amplitude(&sound, hz);
        best = best.max(tone);
        // The tone has a peak of 0.1; a gap may cost some of a block.
        if tone > 0.07 && amplitude(&sound, hz * 1.6) < tone / 4.0 {
            return;
        }
    }
    panic!("no tone of {hz} Hz heard on {microphone}, at best {best}");
}

/// Plays the tone on a speaker and listens with a microphone until it is heard.
fn assert_heard(devices: &SystemDevices, speaker: &DeviceId, microphone: &DeviceId) {
    let (tone_end, speaker_end) = ring(RATE_HZ / 10);
    let _tone = devices.open_microphone(&DeviceId::new("tone"), tone_end, Box::new(|_| {})).unwrap();
    let _speaker = devices.open_speaker(speaker, speaker_end, Box::new(|_| {})).unwrap();
    assert_hears(devices, microphone, 440.0);
}

fn monitor(sink: &str) -> DeviceId {
    DeviceId::new(format!("microphone:pulseaudio:{sink}.monitor"))
}

#[tokio::test]
async fn what_the_desktop_calls_its_sound_cards_is_listed_and_works_whatever_their_rate() {
    let test = "what_the_desktop_calls_its_sound_cards_is_listed_and_works_whatever_their_rate";
    let modules = [TWO_CARDS[0], TWO_CARDS[1], MIC];
    let Some(sound) = Sound::of_test(test, Through::PulseAudio, &modules).await else { return };
    sound.set_default_speaker("two");
    sound.set_default_microphone("mic");
    let devices = devices();
    let list = devices.list();
    let default = list.preferred(DeviceKind::Speaker).unwrap();
    assert_eq!((default.id.as_str(), default.label()), ("speaker:default", "System default (Second)".into()));
    let second = named(&list, DeviceKind::Speaker, "Second");
    assert_eq!(second.id.as_str(), "speaker:pulseaudio:two");
    let microphones: Vec<_> = list.microphones.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(microphones, ["microphone:default", "microphone:pulseaudio:mic"], "no monitors: {list:?}");
    for (speaker, sink) in [(&default.id, "two"), (&second.id, "two")] {
        assert_heard(&devices, speaker, &monitor(sink));
    }
    assert_heard(&devices, &named(&list, DeviceKind::Speaker, "First").id, &monitor("one"));
    assert_hears(&devices, &list.microphones[0].id, 440.0);
}

#[tokio::test]
async fn a_microphone_whose_blocks_cannot_be_shorter_than_40_ms_is_heard() {
    let test = "a_microphone_whose_blocks_cannot_be_shorter_than_40_ms_is_heard";
    let Some(sound) = Sound::of_test(test, Through::PulseAudio, &TWO_CARDS).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    sound.plug_in(&format!(
        "module-pipe-source source_name=slow format=s16le rate=48000 channels=1 file={}",
        pipe.display()
    ));
    std::thread::spawn(move || {
        let mut pipe = std::fs::File::options().write(true).open(pipe).unwrap();
        // What the microphone hears: as much as it reads in one go, again and again.
        let block: Vec<u8> = (0..2048_u16)
            .flat_map(|index| {
                let phase = f32::from(index) * 2.0 * std::f32::consts::PI * 19.0 / 2048.0;
                ((phase.sin() * 8000.0) as i16).to_le_bytes()
            })
            .collect();
        while pipe.write_all(&block).is_ok() {
            std::thread::sleep(Duration::from_micros(2048 * 1_000_000 / 48_000));
        }
    });
    assert_hears(&devices(), &DeviceId::new("microphone:pulseaudio:slow"), 19.0 * 48_000.0 / 2048.0);
}

#[tokio::test]
async fn what_only_plays_is_no_microphone_also_when_the_sound_service_says_it_is_the_default() {
    let test = "what_only_plays_is_no_microphone_also_when_the_sound_service_says_it_is_the_default";
    let Some(sound) = Sound::of_test(test, Through::PulseAudio, &TWO_CARDS).await else { return };
    sound.set_default_microphone("one.monitor");
    let devices = devices();
    let list = devices.list();
    assert_eq!(list.preferred(DeviceKind::Microphone).unwrap().id.as_str(), "silence", "{list:?}");
    let (end, _heard) = ring(480);
    let default = DeviceId::new("microphone:default");
    assert!(devices.open_microphone(&default, end, Box::new(|_| {})).is_err());
}

#[tokio::test]
async fn sound_cards_that_come_and_go_and_another_default_are_told_within_seconds() {
    let test = "sound_cards_that_come_and_go_and_another_default_are_told_within_seconds";
    let Some(sound) = Sound::of_test(test, Through::PulseAudio, &TWO_CARDS).await else { return };
    sound.set_default_speaker("one");
    let devices = devices();
    let (tell, told) = mpsc::channel();
    let _watch = devices.watch(Box::new(move |list| tell.send(list).unwrap()));
    told.recv_timeout(LONG).unwrap();
    let within = |what: &str, fits: &dyn Fn(&DeviceList) -> bool| {
        let started = Instant::now();
        while let Ok(list) = told.recv_timeout(SEEN_LIMIT.saturating_sub(started.elapsed())) {
            if fits(&list) {
                return;
            }
        }
        panic!("not told in time: {what}");
    };
    let has = |list: &DeviceList, id: &str| list.find(DeviceKind::Speaker, &DeviceId::new(id)).is_some();
    let plugged =
        sound.plug_in("module-null-sink sink_name=headset sink_properties=device.description=Headset");
    within("a new card", &|list| has(list, "speaker:pulseaudio:headset"));
    let microphone = sound.plug_in(MIC);
    within("a new microphone", &|list| {
        list.microphones.iter().any(|device| device.id.as_str().ends_with(":mic"))
    });
    sound.set_default_speaker("headset");
    within("another default", &|list| list.speakers[0].name == "Headset" && list.speakers[0].follows_system);
    sound.pull_out(&plugged);
    within("a card that went", &|list| !has(list, "speaker:pulseaudio:headset"));
    sound.pull_out(&microphone);
    within("a microphone that went", &|list| list.microphones.iter().all(|device| device.synthetic));
    sound.kill();
    // ALSA's devices are there instead, where the machine has any.
    within("a service that went", &|list| {
        list.speakers.iter().all(|device| !device.id.as_str().starts_with("speaker:pulseaudio:"))
    });
}

/// Pushes silence as fast as it is taken, so that a speaker has something to play.
fn feed(mut speaker: RingProducer) {
    std::thread::spawn(move || {
        while !speaker.is_closed() {
            if speaker.wait_below(480, Duration::from_millis(100)) {
                speaker.push(&[0.0; 480]);
            }
        }
    });
}

#[tokio::test]
async fn who_follows_the_system_is_moved_to_its_new_choice_without_a_loss() {
    let test = "who_follows_the_system_is_moved_to_its_new_choice_without_a_loss";
    let modules = [
        TWO_CARDS[0],
        TWO_CARDS[1],
        "module-sine sink=one frequency=440; module-remap-source source_name=low master=one.monitor",
        "module-sine sink=two frequency=1000; module-remap-source source_name=high master=two.monitor",
    ];
    let Some(sound) = Sound::of_test(test, Through::PulseAudio, &modules).await else { return };
    sound.set_default_microphone("low");
    let devices = devices();
    let (lost, losses) = mpsc::channel();
    let (end, mut heard) = ring(RATE_HZ);
    let default = DeviceId::new("microphone:default");
    let on_lost = Box::new(move |error| lost.send(error).unwrap());
    let _microphone = devices.open_microphone(&default, end, on_lost).unwrap();
    for (source, hz, other) in [("low", 440.0, 1000.0), ("high", 1000.0, 440.0), ("low", 440.0, 1000.0)] {
        sound.set_default_microphone(source);
        let changed = Instant::now();
        let mut block = vec![0.0; RATE_HZ / 5];
        loop {
            assert!(heard.wait(block.len(), LONG), "the microphone delivers nothing");
            heard.pull(&mut block);
            if amplitude(&block, hz) > 0.07 && amplitude(&block, other) < 0.01 {
                break;
            }
            assert!(changed.elapsed() < SEEN_LIMIT, "{source} is not heard");
        }
    }
    assert!(losses.try_recv().is_err());
}

#[tokio::test]
async fn a_sound_service_that_hangs_costs_the_device_and_nobodys_time() {
    let test = "a_sound_service_that_hangs_costs_the_device_and_nobodys_time";
    let Some(sound) = Sound::of_test(test, Through::PulseAudio, &TWO_CARDS).await else { return };
    let devices = devices();
    let (lost, losses) = mpsc::channel();
    let (producer, speaker_end) = ring(RATE_HZ / 10);
    feed(producer);
    let default = DeviceId::new("speaker:default");
    let on_lost = Box::new(move |error| lost.send(error).unwrap());
    let speaker = devices.open_speaker(&default, speaker_end, on_lost).unwrap();
    sound.hang();
    let error = losses.recv_timeout(LONG).unwrap();
    assert!(matches!(error, DeviceError::Lost { kind: DeviceKind::Speaker, .. }), "{error}");
    let started = Instant::now();
    devices.list();
    drop(speaker);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    let (_producer, speaker_end) = ring(480);
    assert!(devices.open_speaker(&default, speaker_end, Box::new(|_| {})).is_err());
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_sound_service_that_dies_in_mid_call_is_reported_lost_and_listing_survives_it() {
    let test = "a_sound_service_that_dies_in_mid_call_is_reported_lost_and_listing_survives_it";
    let Some(sound) = Sound::of_test(test, Through::Alsa, &TWO_CARDS).await else { return };
    let devices = devices();
    let (speaker_lost, speaker_report) = mpsc::channel();
    let (microphone_lost, microphone_report) = mpsc::channel();
    let (_tone_end, speaker_end) = ring(RATE_HZ / 10);
    let (microphone_end, heard) = ring(RATE_HZ);
    let second = |kind: &str| DeviceId::new(format!("{kind}:alsa:second_card"));
    let on_lost = Box::new(move |error| speaker_lost.send(error).unwrap());
    let _speaker = devices.open_speaker(&second("speaker"), speaker_end, on_lost).unwrap();
    let on_lost = Box::new(move |error| microphone_lost.send(error).unwrap());
    let _microphone = devices.open_microphone(&second("microphone"), microphone_end, on_lost).unwrap();
    assert!(heard.wait(4800, LONG));
    sound.kill();
    for report in [speaker_report, microphone_report] {
        let error = report.recv_timeout(LONG).unwrap();
        assert!(matches!(error, DeviceError::Lost { .. }), "{error}");
    }
    // ALSA forgets its configuration only with the process, so what was named there still is;
    // listing it neither hangs nor panics, and opening it says that it is not there.
    let started = Instant::now();
    devices.list();
    assert!(started.elapsed() < Duration::from_secs(5));
    let (_end, speaker_end) = ring(480);
    assert!(devices.open_speaker(&second("speaker"), speaker_end, Box::new(|_| {})).is_err());
}

#[tokio::test]
async fn through_alsa_alone_a_tone_played_on_the_default_speaker_is_heard_by_the_default_microphone() {
    let test = "through_alsa_alone_a_tone_played_on_the_default_speaker_is_heard_by_the_default_microphone";
    let Some(_sound) = Sound::of_test(test, Through::Alsa, &TWO_CARDS).await else { return };
    let devices = devices();
    let list = devices.list();
    let default = |kind| list.preferred(kind).unwrap();
    assert_eq!(default(DeviceKind::Speaker).id.as_str(), "speaker:default", "{list:?}");
    assert_eq!(default(DeviceKind::Speaker).label(), "System default");
    assert_eq!(default(DeviceKind::Microphone).id.as_str(), "microphone:default", "{list:?}");
    assert_heard(&devices, &default(DeviceKind::Speaker).id, &default(DeviceKind::Microphone).id);
}

#[tokio::test]
async fn through_alsa_alone_a_sound_card_of_another_rate_is_found_by_name_and_works() {
    let test = "through_alsa_alone_a_sound_card_of_another_rate_is_found_by_name_and_works";
    let Some(_sound) = Sound::of_test(test, Through::Alsa, &TWO_CARDS).await else { return };
    let devices = devices();
    let list = devices.list();
    let second = |kind| named(&list, kind, "Second card").id.clone();
    let (speaker, microphone) = (second(DeviceKind::Speaker), second(DeviceKind::Microphone));
    assert_eq!(speaker.as_str(), "speaker:alsa:second_card");
    assert!(list.of(DeviceKind::Speaker).iter().all(|device| !device.synthetic), "{list:?}");
    assert_heard(&devices, &speaker, &microphone);
}

#[tokio::test]
async fn without_any_sound_service_there_are_a_silent_microphone_and_a_silent_speaker() {
    let test = "without_any_sound_service_there_are_a_silent_microphone_and_a_silent_speaker";
    let Some(_sound) = Sound::of_test(test, Through::Nothing, &[]).await else { return };
    let devices = devices();
    let list = devices.list();
    // A machine of a developer may have a sound card; then there is nothing to see here.
    if list.microphones.iter().all(|device| device.synthetic) {
        assert_eq!(list.preferred(DeviceKind::Microphone).unwrap().id.as_str(), "silence");
    }
    if list.speakers.iter().all(|device| device.synthetic) {
        assert_eq!(list.preferred(DeviceKind::Speaker).unwrap().id.as_str(), "null");
    }
    for device in [&list.microphones, &list.speakers].into_iter().flatten() {
        assert!(!device.id.as_str().ends_with(":default"), "{device:?}");
    }
    let (end, _heard) = ring(480);
    let default = DeviceId::new("microphone:default");
    let error = devices.open_microphone(&default, end, Box::new(|_| {})).err().unwrap();
    let said = error.to_string();
    assert!(said.contains("microphone"), "{said}");
}
