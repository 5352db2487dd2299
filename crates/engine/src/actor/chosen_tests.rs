//! A headset that comes and goes beside a microphone of the system's choice.

use maru_media::DeviceInfo;

use super::*;

const KIND: DeviceKind = DeviceKind::Microphone;
const SECOND: Duration = Duration::from_secs(1);

fn id(name: &str) -> DeviceId {
    DeviceId::of_system(KIND, name)
}

fn device(name: &str) -> DeviceInfo {
    DeviceInfo {
        id: id(name),
        name: if name == "default" { "Built-in".into() } else { name.into() },
        default: name == "default",
        synthetic: false,
        follows_system: name == "default",
    }
}

fn stand_in() -> DeviceInfo {
    let silence = DeviceId::new("silence");
    DeviceInfo {
        id: silence,
        name: "No microphone".into(),
        default: true,
        synthetic: true,
        follows_system: false,
    }
}

fn list(devices: &[DeviceInfo]) -> DeviceList {
    DeviceList { microphones: devices.to_vec(), ..DeviceList::default() }
}

fn of(names: &[&str]) -> DeviceList {
    list(&names.iter().map(|name| device(name)).collect::<Vec<_>>())
}

fn lost(name: &str) -> DeviceError {
    DeviceError::Lost { kind: KIND, name: name.into() }
}

fn busy(name: &str) -> DeviceError {
    DeviceError::Busy { kind: KIND, name: name.into(), system: maru_media::System::Linux }
}

fn said(problem: &Option<Problem>) -> Option<&Sentence> {
    problem.as_ref().map(|problem| &problem.sentence)
}

fn replaced(problem: &Option<Problem>) -> bool {
    matches!(said(problem), Some(Sentence::DeviceReplaced { name, instead, follows_system: true, .. })
        if name == "headset" && instead == "Built-in")
}

fn back(problem: &Option<Problem>) -> bool {
    matches!(said(problem), Some(Sentence::DeviceBack { name, .. }) if name == "headset")
}

/// The headset was chosen and is open.
fn with_headset() -> Chosen {
    let mut chosen = Chosen::new(KIND, Choice::Device(id("headset")));
    assert!(chosen.listed(&DeviceList::default(), &of(&["default", "headset"])).is_none());
    assert!(chosen.opened(Some(id("headset")), &of(&["default", "headset"])).is_none());
    chosen
}

#[test]
fn who_chose_nothing_gets_what_the_system_prefers_and_keeps_it() {
    let mut chosen = Chosen::new(KIND, Choice::Preferred);
    assert_eq!(chosen.wanted(), None, "nobody knows yet what there is");
    assert!(chosen.listed(&DeviceList::default(), &of(&["default", "headset"])).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")));
    chosen.opened(chosen.wanted(), &of(&["default", "headset"]));
    let other = list(&[DeviceInfo { default: true, ..device("new") }, device("default")]);
    assert!(chosen.listed(&of(&["default", "headset"]), &other).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")), "what works is not changed");
}

#[test]
fn what_stands_in_for_nothing_gives_way_to_a_real_device() {
    let nothing = list(&[stand_in()]);
    let mut chosen = Chosen::new(KIND, Choice::Preferred);
    chosen.listed(&DeviceList::default(), &nothing);
    chosen.opened(chosen.wanted(), &nothing);
    assert_eq!(chosen.wanted(), Some(DeviceId::new("silence")));
    assert!(chosen.listed(&nothing, &of(&["default"])).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")));
}

#[test]
fn a_chosen_device_that_is_pulled_out_is_replaced_and_returned_to() {
    let (with, without) = (of(&["default", "headset"]), of(&["default"]));
    let mut chosen = with_headset();
    assert!(replaced(&chosen.listed(&with, &without)));
    assert_eq!(chosen.wanted(), Some(id("default")));
    chosen.opened(Some(id("default")), &without);
    assert!(chosen.listed(&without, &with).is_none(), "not before it works");
    assert_eq!(chosen.wanted(), Some(id("headset")));
    assert!(back(&chosen.opened(Some(id("headset")), &with)));
    assert!(replaced(&chosen.listed(&with, &without)), "and again");
}

#[test]
fn the_loss_is_noticed_by_the_stream_or_by_the_list_and_told_once() {
    let (with, without) = (of(&["default", "headset"]), of(&["default"]));
    let now = Instant::now();
    let mut chosen = with_headset();
    assert!(replaced(&chosen.lost(now, &id("headset"), lost("headset"), &with)));
    chosen.opened(Some(id("default")), &with);
    assert!(chosen.listed(&with, &without).is_none());
    assert!(!chosen.tick(now + 60 * SECOND), "one that is not there is not tried");
    assert!(chosen.listed(&without, &with).is_none());
    assert!(back(&chosen.opened(chosen.wanted(), &with)));
}

#[test]
fn a_device_that_breaks_but_stays_listed_is_tried_a_few_times_without_a_word() {
    let with = of(&["default", "headset"]);
    let mut now = Instant::now();
    let mut chosen = with_headset();
    assert!(replaced(&chosen.lost(now, &id("headset"), lost("headset"), &with)));
    chosen.opened(Some(id("default")), &with);
    let mut tries = 0;
    for _ in 0..600 {
        now += SECOND;
        if chosen.tick(now) {
            tries += 1;
            assert_eq!(chosen.wanted(), Some(id("headset")));
            let said = chosen.failed(now, &id("headset"), Some(id("default")), busy("headset"), &with);
            assert!(said.is_none());
            assert_eq!(chosen.wanted(), Some(id("default")));
        }
    }
    assert_eq!(tries, RETRIES);
}

#[test]
fn a_device_that_comes_back_too_early_to_be_opened_is_returned_to_all_the_same() {
    let (with, without) = (of(&["default", "headset"]), of(&["default"]));
    let now = Instant::now();
    let mut chosen = with_headset();
    chosen.listed(&with, &without);
    chosen.opened(Some(id("default")), &without);
    chosen.listed(&without, &with);
    assert!(chosen.failed(now, &id("headset"), Some(id("default")), lost("headset"), &with).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")));
    assert!(chosen.tick(now + RETRY_AFTER));
    assert!(back(&chosen.opened(chosen.wanted(), &with)));
}

#[test]
fn a_device_chosen_another_day_that_is_not_plugged_in_is_waited_for_without_a_word() {
    let (with, without) = (of(&["default", "headset"]), of(&["default"]));
    let mut chosen = Chosen::new(KIND, Choice::Device(id("headset")));
    assert!(chosen.listed(&DeviceList::default(), &without).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")));
    chosen.opened(chosen.wanted(), &without);
    chosen.listed(&without, &with);
    assert!(back(&chosen.opened(chosen.wanted(), &with)));
}

#[test]
fn it_is_waited_for_also_when_opening_was_faster_than_the_list() {
    let (with, without) = (of(&["default", "headset"]), of(&["default"]));
    let mut chosen = Chosen::new(KIND, Choice::Device(id("headset")));
    let unknown = DeviceError::Unknown { kind: KIND, id: id("headset") };
    let nothing = DeviceList::default();
    assert!(chosen.failed(Instant::now(), &id("headset"), None, unknown, &nothing).is_none());
    assert!(chosen.listed(&nothing, &without).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")));
    assert!(back(&chosen.listed(&without, &with)), "nothing is open: it is back at once");
    assert_eq!(chosen.wanted(), Some(id("headset")));
}

#[test]
fn a_made_up_device_need_not_be_listed() {
    let file = DeviceId::new("file:voice.wav");
    let mut chosen = Chosen::new(KIND, Choice::Device(file.clone()));
    assert!(chosen.listed(&DeviceList::default(), &of(&["default"])).is_none());
    assert_eq!(chosen.wanted(), Some(file));
}

#[test]
fn whoever_chose_silence_is_not_heard_when_a_microphone_is_plugged_in() {
    let (nothing, with) = (list(&[stand_in()]), of(&["default"]));
    let silence = Some(DeviceId::new("silence"));
    let mut chosen = Chosen::new(KIND, Choice::Device(DeviceId::new("silence")));
    chosen.listed(&DeviceList::default(), &nothing);
    chosen.opened(silence.clone(), &nothing);
    assert!(chosen.listed(&nothing, &with).is_none());
    assert_eq!(chosen.wanted(), silence);
}

#[test]
fn what_is_to_stand_in_and_does_not_open_leaves_it_to_the_next_one() {
    let without = of(&["default", "webcam"]);
    let now = Instant::now();
    let mut chosen = with_headset();
    chosen.listed(&of(&["default", "headset", "webcam"]), &without);
    assert!(chosen.failed(now, &id("default"), None, busy("Built-in"), &without).is_some());
    assert_eq!(chosen.wanted(), Some(id("webcam")));
    assert!(chosen.failed(now, &id("webcam"), None, busy("webcam"), &without).is_some());
    assert_eq!(chosen.wanted(), None, "nothing is left");
    let more = of(&["default", "webcam", "lamp"]);
    chosen.listed(&without, &more);
    assert!(chosen.wanted().is_some(), "another list is another chance");
}

#[test]
fn a_busy_device_leaves_the_one_before_it_in_use() {
    let with = of(&["default", "headset"]);
    let mut chosen = Chosen::new(KIND, Choice::Preferred);
    chosen.listed(&DeviceList::default(), &with);
    chosen.opened(chosen.wanted(), &with);
    chosen.choose(Choice::Device(id("headset")));
    let kept = Some(id("default"));
    let said_busy = chosen.failed(Instant::now(), &id("headset"), kept, busy("headset"), &with);
    assert!(matches!(said(&said_busy), Some(Sentence::DeviceBusy { .. })));
    assert_eq!(chosen.wanted(), Some(id("default")));
}

#[test]
fn a_busy_device_that_nothing_was_open_before_is_replaced_by_the_systems_choice() {
    let with = of(&["default", "headset"]);
    let mut chosen = Chosen::new(KIND, Choice::Device(id("headset")));
    chosen.listed(&DeviceList::default(), &with);
    let said_busy = chosen.failed(Instant::now(), &id("headset"), None, busy("headset"), &with);
    assert!(matches!(said(&said_busy), Some(Sentence::DeviceBusy { .. })));
    assert_eq!(chosen.wanted(), Some(id("default")));
}

#[test]
fn who_is_denied_microphones_is_asked_again_only_when_they_are_wanted_again() {
    let with = of(&["default", "headset"]);
    let mut chosen = Chosen::new(KIND, Choice::Preferred);
    chosen.listed(&DeviceList::default(), &with);
    let denied = DeviceError::Denied { kind: KIND, system: maru_media::System::Macos };
    let problem = chosen.failed(Instant::now(), &id("default"), None, denied, &with);
    assert!(matches!(said(&problem), Some(Sentence::DeviceDenied { .. })));
    assert_eq!(chosen.wanted(), None);
    chosen.retry();
    assert_eq!(chosen.wanted(), Some(id("default")));
}

#[test]
fn the_last_real_device_that_is_pulled_out_is_told_as_gone_and_returned_to() {
    let nothing = list(&[stand_in()]);
    let mut chosen = Chosen::new(KIND, Choice::Preferred);
    chosen.listed(&DeviceList::default(), &of(&["default"]));
    chosen.opened(chosen.wanted(), &of(&["default"]));
    let problem = chosen.listed(&of(&["default"]), &nothing);
    assert!(matches!(said(&problem), Some(Sentence::DeviceLost { .. })), "{problem:?}");
    assert_eq!(chosen.wanted(), Some(DeviceId::new("silence")));
    chosen.opened(chosen.wanted(), &nothing);
    assert!(chosen.listed(&nothing, &of(&["default"])).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")));
}

#[test]
fn what_stands_in_may_be_lost_too() {
    let with = of(&["default", "headset", "webcam"]);
    let now = Instant::now();
    let mut chosen = with_headset();
    chosen.listed(&of(&["default", "headset"]), &of(&["default", "webcam"]));
    chosen.opened(Some(id("default")), &of(&["default", "webcam"]));
    assert!(chosen.lost(now, &id("default"), lost("Built-in"), &of(&["default", "webcam"])).is_some());
    assert_eq!(chosen.wanted(), Some(id("webcam")));
    chosen.opened(chosen.wanted(), &of(&["default", "webcam"]));
    chosen.listed(&of(&["default", "webcam"]), &with);
    assert!(back(&chosen.opened(Some(id("headset")), &with)));
}

#[test]
fn another_choice_ends_the_wait() {
    let (with, without) = (of(&["default", "headset"]), of(&["default"]));
    let mut chosen = with_headset();
    chosen.listed(&with, &without);
    chosen.opened(Some(id("default")), &without);
    chosen.choose(Choice::Device(id("default")));
    assert!(chosen.listed(&without, &with).is_none());
    assert_eq!(chosen.wanted(), Some(id("default")));
}
