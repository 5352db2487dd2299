//! Peers that share no code with Maru meet an engine through our server: who was there first offers,
//! pictures by their time code, sound by its pitch, and chat go both ways.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use maru_engine::{Command, PeerState};
use maru_tests::foreign::{Foreign, Library, Path};
use maru_tests::order::{First, in_order};
use maru_tests::participant::Participant;
use maru_tests::relay::Relay;
use maru_tests::server::LocalServer;
use maru_tests::wait::{eventually, now_ms};
use tokio::sync::Mutex;

/// One call at a time.
static MACHINE: Mutex<()> = Mutex::const_new(());

const LIMIT: Duration = Duration::from_secs(45);
const ROOM: &str = "회의실 interop";
const ENGINE: &str = "Enno Engine";
const PEER: &str = "피어 <b>Peer</b>";
const TONE_HZ: u64 = 440;
/// The tone is sent at about −20 dBFS.
const HEARD_DBFS: f64 = -45.0;

/// Everything that two people in a room do, between an engine and a peer of this library.
async fn meet(library: Library, codec: &str, first: First) {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let url = server.url();
    let engine = Participant::join(&url, ROOM, ENGINE);
    let peer = Foreign::join(library, &url, ROOM, PEER, codec, Path::Direct);
    let (engine, mut peer) = in_order(first, engine, peer).await;
    engine.until_peer("connected", PEER, |peer| peer.state == PeerState::Connected).await;

    media_flows(&engine, &peer).await;
    let report = engine.engine().report().await.unwrap();
    assert_eq!(report.peers[0].video.codec.to_lowercase(), codec);

    engine.command(Command::SendChat { text: "안녕 <i>there</i>".into() }).await;
    let (label, message) = peer.chat("안녕 <i>there</i>").await;
    assert_eq!((label.as_str(), &message["type"]), ("maru.chat", &"text".into()));
    peer.say("Grüß <script>").await;
    let said = engine
        .until("the peer's message", |view| view.chat.iter().find(|said| said.name == PEER).cloned())
        .await;
    assert_eq!(said.text, "Grüß <script>");

    engine.command(Command::SetCameraOff { camera_off: true }).await;
    engine.until("the camera's light off", |view| (!view.me.camera_live).then_some(())).await;
    engine.command(Command::SetCameraOff { camera_off: false }).await;
    media_flows(&engine, &peer).await;

    // Whoever offered first, the peer may negotiate anew; the media goes on over the same path.
    let before = engine.engine().report().await.unwrap().peers[0].negotiations;
    peer.offer();
    eventually("another negotiation", LIMIT, async || {
        (engine.engine().report().await.unwrap().peers[0].negotiations > before).then_some(())
    })
    .await;
    media_flows(&engine, &peer).await;

    peer.leave().await;
    engine.until("alone", |view| view.peers.is_empty().then_some(())).await;
    engine.leave().await;
}

/// Pictures and sound through a TURN server.
async fn meet_over_a_relay(library: Library, codec: &str, first: First) {
    let _machine = MACHINE.lock().await;
    let relay = Relay::start().await;
    let server = LocalServer::start_with_relay(&relay);
    let url = server.url();
    let engine = Participant::join(&url, ROOM, ENGINE);
    let peer = Foreign::join(library, &url, ROOM, PEER, codec, Path::Relay);
    let (engine, peer) = in_order(first, engine, peer).await;
    media_flows(&engine, &peer).await;
    let candidates = peer.candidates();
    assert!(!candidates.is_empty() && candidates.iter().all(|kind| kind == "relay"), "{candidates:?}");
    peer.leave().await;
    engine.until("alone", |view| view.peers.is_empty().then_some(())).await;
    engine.leave().await;
}

/// Pictures and tones of now, in both directions.
async fn media_flows(engine: &Participant, peer: &Foreign) {
    let now = now_ms();
    peer.picture_after(now).await;
    engine.picture_after(PEER, now).await;
    peer.tone(TONE_HZ).await;
    eventually("the peer's tone", LIMIT, async || {
        let report = engine.engine().report().await.unwrap();
        (report.peers[0].audio.level_dbfs > HEARD_DBFS).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aiortc_joins_an_engine_that_offers() {
    meet(Library::Aiortc, "h264", First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_joins_an_aiortc_that_offers() {
    meet(Library::Aiortc, "h264", First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_joins_an_engine_that_offers() {
    meet(Library::Gstreamer, "h264", First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_joins_a_gstreamer_that_offers() {
    meet(Library::Gstreamer, "h264", First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aiortc_and_an_engine_send_each_other_vp8() {
    meet(Library::Aiortc, "vp8", First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_and_an_engine_send_each_other_vp8() {
    meet(Library::Gstreamer, "vp8", First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_connects_aiortc_and_an_engine_that_offers() {
    meet_over_a_relay(Library::Aiortc, "h264", First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_connects_an_engine_and_an_aiortc_that_offers() {
    meet_over_a_relay(Library::Aiortc, "h264", First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_connects_gstreamer_and_an_engine_that_offers() {
    meet_over_a_relay(Library::Gstreamer, "h264", First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_connects_an_engine_and_a_gstreamer_that_offers() {
    meet_over_a_relay(Library::Gstreamer, "h264", First::Other).await;
}
