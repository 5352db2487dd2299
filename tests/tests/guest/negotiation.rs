//! Offers that cross. Neither of our own sides makes one that could, so a page of its own does: Chromium by the
//! rules of the WebRTC specification, which asks for an offer and makes one at the same time.

use maru_engine::PeerState;
use maru_tests::browser::{Browser, Devices, Kind};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use serde_json::json;

use crate::meeting::{ENGINE, GUEST, LIMIT, MACHINE, ROOM};

/// How many of the engine's pictures the page decoded on the connection that it has now.
const DECODED: &str = "
    return (async () => {
        const stats = await window.maruTestPeer.connection.getStats();
        const video = [...stats.values()].filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
        return video.reduce((sum, { framesDecoded }) => sum + framesDecoded, 0);
    })();";

/// They end in a connection that carries media both ways, time and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crossing_offers_are_settled() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let url = server.url();
    let engine = Participant::join(&url, ROOM, ENGINE).await;
    let page = Browser::start(Kind::Chromium, Devices::Granted).await;
    // Any page of the server's: only its own may connect.
    page.open(&server.link("elsewhere")).await;
    let arguments = [json!(url), json!(ROOM), json!(GUEST)];
    page.run(include_str!("negotiator.js"), &arguments).await;
    engine.until_peer("connected", GUEST, |peer| peer.state == PeerState::Connected).await;
    for _ in 0..3 {
        let before = page.run("return window.maruTestPeer.collisions", &[]).await;
        page.run("window.maruTestPeer.collide()", &[]).await;
        eventually("a collision that is over", LIMIT, async || {
            let script = "const { collisions, connection } = window.maruTestPeer;
                return connection.signalingState === 'stable' && connection.connectionState === 'connected'
                    ? collisions : null;";
            let now = page.run(script, &[]).await;
            (now.as_u64()? > before.as_u64()?).then_some(())
        })
        .await;
        let shown = async || page.run(DECODED, &[]).await.as_u64().unwrap_or(0);
        let before = shown().await;
        eventually("more of the engine's pictures", LIMIT, async || {
            (shown().await > before + 5).then_some(())
        })
        .await;
        let frames = async || engine.engine().report().await.unwrap().peers[0].video.frames;
        let seen = frames().await;
        eventually("more of the page's pictures", LIMIT, async || (frames().await > seen + 5).then_some(()))
            .await;
    }
    let errors = page.run("return window.maruTestPeer.errors", &[]).await;
    assert_eq!(errors, json!([]));
    engine.leave().await;
}
