//! Sharing a screen between engines over real sockets: a page of text that has to be legible at the other end,
//! and the test pattern, whose time code says how old what is seen is.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use maru_devices::screen::page;
use maru_engine::{CallReport, CallState, Command, Event, NoticeCode, PeerState, VideoKind};
use maru_media::video::timecode;
use maru_media::{ScreenSourceId, VideoCodec};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::{eventually, now_ms};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Mutex, MutexGuard};

/// One call at a time: two cores carry no more in a debug build.
static MACHINE: Mutex<()> = Mutex::const_new(());

const LIMIT: Duration = Duration::from_secs(30);
const ROOM: &str = "회의실";
/// The share of the characters that has to be legible.
const LEGIBLE: f64 = 0.99;

struct Room {
    server: LocalServer,
    people: Vec<Participant>,
    codec: Option<VideoCodec>,
    _machine: MutexGuard<'static, ()>,
}

impl Room {
    async fn with(count: usize, codec: Option<VideoCodec>) -> Self {
        let machine = MACHINE.lock().await;
        let mut room = Self { server: LocalServer::start(), people: Vec::new(), codec, _machine: machine };
        for _ in 0..count {
            room.join().await;
        }
        room
    }

    async fn join(&mut self) {
        let codec = self.codec;
        let name = name(self.people.len());
        let (others, url) = (self.people.len(), self.server.url());
        let joined = Participant::join_with(&url, ROOM, &name, |config| {
            if let Some(codec) = codec {
                config.video_codecs = vec![codec];
            }
        })
        .await;
        joined
            .until("connected to everybody", |view| {
                let connected = view.peers.iter().filter(|peer| peer.state == PeerState::Connected);
                (connected.count() == others).then_some(())
            })
            .await;
        self.people.push(joined);
    }

    async fn share(&self, who: usize, source: &str) {
        self.people[who].command(Command::StartShare { source: ScreenSourceId::new(source) }).await;
        self.people[who].until("sharing", |view| view.me.sharing.clone()).await;
    }

    /// Waits until one can read what another shares.
    async fn can_read(&self, by: usize, whom: usize) {
        let seen = &self.people[by];
        seen.until_peer("a screen", &name(whom), |peer| peer.sharing && peer.has_screen).await;
        let mut best = 0.0;
        eventually("a legible page", LIMIT, async || {
            let pictures = seen.engine().pictures(VideoKind::Screen);
            let (_, _, picture) = pictures.into_iter().find(|(_, of, _)| *of == name(whom))?;
            let legible = page::legible(&picture);
            best = f64::max(best, legible);
            (legible >= LEGIBLE).then_some(())
        })
        .await;
        eprintln!("legible: {:.2} %", best * 100.0);
    }

    async fn report(&self, number: usize) -> CallReport {
        self.people[number].engine().report().await.unwrap()
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

/// A page is shared, read, read by somebody who comes later, and gone when it is stopped.
async fn a_page_is_shared(codec: VideoCodec) {
    let mut room = Room::with(2, Some(codec)).await;
    room.share(0, "text").await;
    room.can_read(1, 0).await;
    let report = room.report(1).await;
    let screen = report.peers[0].screen.as_ref().unwrap();
    assert_eq!((screen.width, screen.height, screen.codec), (1920, 1080, codec.name()));
    // Still for a while by now: only what repeats it is sent.
    room.join().await;
    let came = Instant::now();
    room.can_read(2, 0).await;
    eprintln!("a newcomer could read it after {:?}", came.elapsed());

    room.people[0].command(Command::StopShare).await;
    room.people[0].until("not sharing", |view| view.me.sharing.is_none().then_some(())).await;
    for by in [1, 2] {
        room.people[by].until_peer("no screen", &name(0), |peer| !peer.sharing && !peer.has_screen).await;
    }
    eventually("no encoder for the screen", LIMIT, async || {
        (room.report(0).await.sent.screen.encoders_now == 0).then_some(())
    })
    .await;
    assert!(room.report(0).await.peers.iter().all(|peer| peer.negotiations == 1), "made up front");
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_page_can_be_read_by_all_and_by_who_comes_later_until_it_is_stopped() {
    a_page_is_shared(VideoCodec::H264).await;
}

#[cfg(feature = "vp8")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_page_can_be_read_in_vp8_too() {
    a_page_is_shared(VideoCodec::Vp8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_share_at_once_and_one_of_them_something_that_moves_beside_their_cameras() {
    let room = Room::with(2, None).await;
    room.share(0, "pattern").await;
    room.share(1, "text").await;
    room.can_read(0, 1).await;
    let begun = now_ms();
    for after in [begun, begun + 2000] {
        eventually("a newer picture of the screen", LIMIT, async || {
            let pictures = room.people[1].engine().pictures(VideoKind::Screen);
            let (_, _, picture) = pictures.first()?;
            timecode::read(picture).filter(|taken| *taken > after)
        })
        .await;
    }
    room.people[1].picture_after(&name(0), begun).await;
    room.people[0].picture_after(&name(1), begun).await;
    let report = room.report(1).await;
    let screen = report.peers[0].screen.as_ref().unwrap();
    eprintln!(
        "moving: {} × {}, {} pictures, {:?}",
        screen.width, screen.height, screen.frames, screen.latency_ms
    );
    assert!(screen.latency_ms.is_some());
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shared_goes_on_until_what_takes_its_place_is_there() {
    let room = Room::with(2, None).await;
    let (anna, ben) = (&room.people[0], &room.people[1]);
    let share = |source: &str| Command::StartShare { source: ScreenSourceId::new(source) };
    room.share(0, "text").await;
    ben.until_peer("a screen", &name(0), |peer| peer.has_screen).await;
    let mut events = anna.engine().events();
    anna.command(share("file:/nowhere/slides.png")).await;
    anna.until("a notice", |view| view.notice.clone()).await;
    anna.command(share("pattern")).await;
    let begun = now_ms();
    eventually("a picture of the new share", LIMIT, async || {
        let pictures = ben.engine().pictures(VideoKind::Screen);
        timecode::read(&pictures.first()?.2).filter(|taken| *taken > begun)
    })
    .await;
    let mut shared = Vec::new();
    loop {
        match events.try_recv() {
            Ok(Event::View { view }) => {
                let name = view.me.sharing.map_or_else(|| "nothing".to_owned(), |shared| shared.name);
                if shared.last() != Some(&name) {
                    shared.push(name);
                }
            }
            Ok(_) | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    assert_eq!(shared, ["Test text", "Test pattern"]);
    room.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shared_is_told_of_and_a_share_ends_with_the_call() {
    let room = Room::with(2, None).await;
    let (anna, ben) = (&room.people[0], &room.people[1]);
    let share = |source: &str| Command::StartShare { source: ScreenSourceId::new(source) };
    anna.command(share("file:/nowhere/slides.png")).await;
    let notice = anna.until("a notice", |view| view.notice.clone()).await;
    assert_eq!(notice.code, NoticeCode::Screen);
    assert!(notice.text.contains("/nowhere/slides.png"), "{}", notice.text);

    anna.command(share("text")).await;
    ben.until_peer("a screen", &name(0), |peer| peer.has_screen).await;
    anna.command(Command::Leave).await;
    let over = |view: &maru_engine::CallView| view.call == CallState::Idle && view.me.sharing.is_none();
    anna.until("a call without a share", |view| over(view).then_some(())).await;
    anna.command(share("text")).await;
    let notice = anna.until("a notice", |view| view.notice.clone()).await;
    assert!(notice.text.starts_with("Join a room first"), "{}", notice.text);
    room.end().await;
}
