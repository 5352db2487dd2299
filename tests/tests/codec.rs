//! The answer decides which video codec goes to a peer: one encoder for each codec that somebody in
//! the room takes, and sound all the same where there is none in common.
#![cfg(feature = "vp8")]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use maru_engine::{Command, NoticeCode, PeerReport, PeerState, Sentence};
use maru_media::VideoCodec;
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::{eventually, now_ms};
use tokio::sync::Mutex;

/// One call at a time: two cores carry no more in a debug build.
static MACHINE: Mutex<()> = Mutex::const_new(());

const LIMIT: Duration = Duration::from_secs(30);
const ROOM: &str = "codecs";
/// The tone is sent at about −20 dBFS.
const HEARD_DBFS: f64 = -45.0;

async fn join(server: &LocalServer, name: &str, codecs: &[VideoCodec]) -> Participant {
    Participant::join_with(&server.url(), ROOM, name, |config| config.video_codecs = codecs.to_vec()).await
}

async fn seen(by: &Participant, whom: &str) -> PeerReport {
    let report = by.engine().report().await.unwrap();
    report.peers.into_iter().find(|peer| peer.name == whom).unwrap()
}

async fn encoders(person: &Participant) -> usize {
    person.engine().report().await.unwrap().sent.video.encoders_now
}

async fn until_encoders(person: &Participant, count: usize) {
    eventually(&format!("{count} encoders"), LIMIT, async || (encoders(person).await == count).then_some(()))
        .await;
}

async fn pictures_go_on(by: &Participant, whom: &str) {
    by.picture_after(whom, now_ms()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_have_vp8_alone_see_each_other() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let first = join(&server, "first", &[VideoCodec::Vp8]).await;
    let second = join(&server, "second", &[VideoCodec::Vp8]).await;
    for (by, whom) in [(&first, "second"), (&second, "first")] {
        pictures_go_on(by, whom).await;
        let peer = seen(by, whom).await;
        assert_eq!((peer.video.codec, peer.negotiations), ("VP8", 1));
        assert!(peer.video.width > 0 && peer.video.key_frames > 0);
        assert_eq!(encoders(by).await, 1);
    }
    first.leave().await;
    second.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_vp8_alone_and_offers_gets_it_from_who_has_more() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let first = join(&server, "first", &[VideoCodec::Vp8]).await;
    let second = join(&server, "second", VideoCodec::BUILT_IN).await;
    for (by, whom) in [(&first, "second"), (&second, "first")] {
        pictures_go_on(by, whom).await;
        assert_eq!(seen(by, whom).await.video.codec, "VP8");
    }
    first.leave().await;
    second.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_encoder_runs_only_while_somebody_in_the_room_needs_it() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let first = join(&server, "first", VideoCodec::BUILT_IN).await;
    let second = join(&server, "second", VideoCodec::BUILT_IN).await;
    pictures_go_on(&first, "second").await;
    assert_eq!((encoders(&first).await, seen(&first, "second").await.video.codec), (1, "H264"));

    let third = join(&server, "third", &[VideoCodec::Vp8]).await;
    for person in [&first, &second] {
        pictures_go_on(person, "third").await;
        until_encoders(person, 2).await;
    }
    for whom in ["first", "second"] {
        pictures_go_on(&third, whom).await;
        assert_eq!(seen(&third, whom).await.video.codec, "VP8");
    }
    assert_eq!(encoders(&third).await, 1);

    third.leave().await;
    for (person, other) in [(&first, "second"), (&second, "first")] {
        until_encoders(person, 1).await;
        pictures_go_on(person, other).await;
        assert_eq!(seen(person, other).await.video.codec, "H264");
        assert_eq!(person.engine().report().await.unwrap().sent.video.encoders, 2, "the most at once");
    }
    first.leave().await;
    second.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_common_codec_sound_and_chat_go_on_and_both_are_told() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let first = join(&server, "first", &[VideoCodec::H264]).await;
    let second = join(&server, "second", &[VideoCodec::Vp8]).await;
    for (by, whom) in [(&first, "second"), (&second, "first")] {
        by.until_peer("connected", whom, |peer| peer.state == PeerState::Connected).await;
        let notice = by.until("a notice", |view| view.notice.clone()).await;
        assert_eq!(notice.code, NoticeCode::Peer);
        assert_eq!(notice.sentence, Sentence::NoCommonCodec { name: whom.into() });
        eventually("a voice", LIMIT, async || {
            (seen(by, whom).await.audio.level_dbfs > HEARD_DBFS).then_some(())
        })
        .await;
        assert_eq!((seen(by, whom).await.video.frames, encoders(by).await), (0, 0));
    }
    first.command(Command::SendChat { text: "still here".into() }).await;
    second
        .until("the message", |view| {
            view.chat.iter().any(|message| message.text == "still here").then_some(())
        })
        .await;
    first.until_peer("still connected", "second", |peer| peer.state == PeerState::Connected).await;
    first.leave().await;
    second.leave().await;
}
