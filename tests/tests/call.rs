//! Calls between engines over real sockets: a real server, real WebSockets, real UDP, synthetic
//! devices. The time code in the picture proves that what was captured is what is seen.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use maru_engine::{CallReport, CallState, Choice, Command, NoticeCode, PeerReport, PeerState, VideoKind};
use maru_media::{DeviceId, DeviceKind};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::{eventually, now_ms};
use tokio::sync::{Mutex, MutexGuard};

/// One call at a time: two cores carry no more in a debug build.
static MACHINE: Mutex<()> = Mutex::const_new(());

const LIMIT: Duration = Duration::from_secs(30);
const ROOM: &str = "회의실";
/// The tone is sent at about −20 dBFS.
const HEARD_DBFS: f64 = -45.0;

struct Room {
    server: LocalServer,
    people: Vec<Participant>,
    _machine: MutexGuard<'static, ()>,
}

impl Room {
    async fn with(count: usize) -> Self {
        let machine = MACHINE.lock().await;
        let server = LocalServer::start();
        let mut people = Vec::new();
        for number in 0..count {
            let camera = Choice::Device(DeviceId::new(format!("test-pattern:{}", number + 1)));
            people.push(
                Participant::join_with(&server.url(), ROOM, &name(number), |config| config.camera = camera)
                    .await,
            );
        }
        let room = Self { server, people, _machine: machine };
        for person in &room.people {
            person
                .until("connected to everybody", |view| {
                    let connected =
                        view.peers.iter().filter(|peer| peer.state == PeerState::Connected).count();
                    (connected == count - 1).then_some(())
                })
                .await;
        }
        room
    }

    async fn report(&self, number: usize) -> CallReport {
        self.people[number].engine().report().await.unwrap()
    }

    /// What one knows of another.
    async fn seen(&self, by: usize, whom: usize) -> PeerReport {
        let report = self.report(by).await;
        report.peers.into_iter().find(|peer| peer.name == name(whom)).unwrap()
    }

    async fn pictures_go_on(&self, by: usize, whom: usize) {
        self.people[by].picture_after(&name(whom), now_ms()).await;
    }

    async fn end(self) {
        for person in self.people {
            person.leave().await;
        }
    }
}

fn name(number: usize) -> String {
    format!("Person {number}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_see_and_hear_each_other() {
    let room = Room::with(2).await;
    for (by, whom) in [(0, 1), (1, 0)] {
        room.pictures_go_on(by, whom).await;
        eventually("a voice", LIMIT, async || {
            let peer = room.seen(by, whom).await;
            (peer.audio.level_dbfs > HEARD_DBFS).then_some(())
        })
        .await;
        let peer = room.seen(by, whom).await;
        assert!(peer.connected_ms.is_some() && peer.first_frame_ms.is_some());
        assert_eq!(peer.candidate_pair.unwrap().protocol, "udp");
        assert!(peer.video.latency_ms.unwrap().p50 < 1000.0);
    }
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_people_get_one_encoding_each_and_all_see_all() {
    let room = Room::with(4).await;
    for by in 0..4 {
        for whom in (0..4).filter(|whom| *whom != by) {
            room.pictures_go_on(by, whom).await;
        }
    }
    for number in 0..4 {
        assert_eq!(room.report(number).await.sent.video.encoders, 1);
        for other in (0..4).filter(|other| *other != number) {
            let received = room.seen(other, number).await.video.frames;
            let encoded = room.report(number).await.sent.video.frames;
            assert!(received <= encoded, "{received} received of {encoded}");
        }
    }
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn camera_off_releases_the_camera_mute_keeps_the_microphone_and_both_are_seen() {
    let room = Room::with(2).await;
    let (me, other) = (&room.people[0], &room.people[1]);
    me.until("both devices open", |view| (view.me.camera_live && view.me.microphone_live).then_some(()))
        .await;
    me.command(Command::SetMuted { muted: true }).await;
    me.command(Command::SetCameraOff { camera_off: true }).await;
    me.until("the camera closed", |view| (!view.me.camera_live).then_some(())).await;
    assert!(me.engine().view().me.microphone_live, "so that unmuting takes no time");
    other.until_peer("both marks", &name(0), |peer| peer.muted && peer.camera_off && !peer.has_video).await;
    let sent = room.report(0).await.sent.video.frames;
    let frames = me.engine().preview().count();

    me.command(Command::SetMuted { muted: false }).await;
    me.command(Command::SetCameraOff { camera_off: false }).await;
    other.until_peer("no marks", &name(0), |peer| !peer.muted && !peer.camera_off && peer.has_video).await;
    room.pictures_go_on(1, 0).await;
    assert!(me.engine().preview().count() > frames);
    assert!(room.report(0).await.sent.video.frames > sent);
    assert_eq!(room.seen(1, 0).await.negotiations, 1);
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_change_needs_no_negotiation_and_the_pictures_go_on_within_half_a_second() {
    let room = Room::with(2).await;
    room.pictures_go_on(1, 0).await;
    let select = async |kind, id: &str| {
        room.people[0].command(Command::SelectDevice { kind, id: Some(DeviceId::new(id)) }).await;
    };
    // The longest gap between two pictures shown to the other side, over the change and after it.
    let slot = |room: &Room| {
        let pictures = room.people[1].engine().pictures(VideoKind::Camera);
        pictures.into_iter().find(|(_, of, _)| *of == name(0)).map(|(_, _, picture)| picture.captured())
    };
    select(DeviceKind::Camera, "test-pattern:7").await;
    let (mut last, mut shown, mut longest) = (Instant::now(), slot(&room), Duration::ZERO);
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let newest = slot(&room);
        if newest != shown {
            (shown, last) = (newest, Instant::now());
        }
        longest = longest.max(last.elapsed());
    }
    assert!(longest < Duration::from_millis(500), "{longest:?} without a picture");
    room.people[0]
        .until("the new camera", |view| {
            (view.me.camera == Some(DeviceId::new("test-pattern:7"))).then_some(())
        })
        .await;

    select(DeviceKind::Microphone, "silence").await;
    select(DeviceKind::Microphone, "tone").await;
    room.people[1].command(Command::SelectDevice { kind: DeviceKind::Speaker, id: None }).await;
    eventually("the tone again", LIMIT, async || {
        (room.seen(1, 0).await.audio.level_dbfs > HEARD_DBFS).then_some(())
    })
    .await;
    room.pictures_go_on(1, 0).await;
    assert_eq!((room.seen(0, 1).await.negotiations, room.seen(1, 0).await.negotiations), (1, 1));
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chat_reaches_everybody_in_order_and_too_much_of_it_is_refused() {
    let room = Room::with(3).await;
    for text in ["one", "두울", "<three>"] {
        room.people[0].command(Command::SendChat { text: text.into() }).await;
    }
    for number in [1, 2] {
        let texts = room.people[number]
            .until("three messages", |view| {
                let texts: Vec<_> = view.chat.iter().map(|message| message.text.clone()).collect();
                (texts.len() == 3).then_some(texts)
            })
            .await;
        assert_eq!(texts, ["one", "두울", "<three>"]);
    }
    room.people[1].command(Command::SendChat { text: "x".repeat(maru_engine::CHAT_MAX_BYTES + 1) }).await;
    let notice = room.people[1].until("a refusal", |view| view.notice.clone()).await;
    assert_eq!(notice.code, NoticeCode::Chat);
    assert!(notice.text.contains("4096"), "{}", notice.text);
    for number in 0..=maru_engine::CHAT_RATE_MESSAGES {
        room.people[2].command(Command::SendChat { text: number.to_string() }).await;
    }
    let notice = room.people[2].until("a refusal", |view| view.notice.clone()).await;
    assert!(notice.text.contains("too fast"), "{}", notice.text);
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_is_gone_at_once_for_the_others() {
    let mut room = Room::with(3).await;
    let asked = Instant::now();
    room.people.pop().unwrap().leave().await;
    room.people[0].until("one other", |view| (view.peers.len() == 1).then_some(())).await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    room.pictures_go_on(0, 1).await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_takes_no_picture_with_it_and_a_newcomer_can_join_later() {
    let mut room = Room::with(2).await;
    let ids = [room.people[0].id(), room.people[1].id()];
    room.server.kill().await;
    for person in &room.people {
        person.until("reconnecting", |view| (view.call == CallState::Reconnecting).then_some(())).await;
    }
    room.pictures_go_on(0, 1).await;
    room.pictures_go_on(1, 0).await;
    room.server.restart();
    for person in &room.people {
        person.until("back", |view| (view.call == CallState::InCall).then_some(())).await;
    }
    room.people.push(Participant::join(&room.server.url(), ROOM, &name(2)).await);
    for (by, whom) in [(0, 2), (1, 2), (2, 0), (2, 1), (0, 1), (1, 0)] {
        room.pictures_go_on(by, whom).await;
    }
    assert_eq!([room.people[0].id(), room.people[1].id()], ids);
    assert_eq!(room.seen(0, 1).await.negotiations, 1, "the old connection stood");
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_does_not_exist_is_named_and_the_call_goes_on() {
    let room = Room::with(2).await;
    let id = Some(DeviceId::new("camera:nowhere"));
    room.people[0].command(Command::SelectDevice { kind: DeviceKind::Camera, id }).await;
    let notice = room.people[0].until("a notice", |view| view.notice.clone()).await;
    assert_eq!(notice.code, NoticeCode::Camera);
    assert!(notice.text.contains("camera:nowhere"), "{}", notice.text);
    room.pictures_go_on(1, 0).await; // the old camera goes on
    room.pictures_go_on(0, 1).await;
    room.end().await;
}
