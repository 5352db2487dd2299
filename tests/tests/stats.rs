//! What is measured of a call while it runs is what happens in it.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use maru_engine::{Event, PathKind, PeerStats, QualityLimitation};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(40);

/// The first figures of the only peer's connection in which `look` finds what it looks for.
async fn figures(of: &Participant, what: &str, look: impl Fn(&PeerStats) -> bool) -> PeerStats {
    let mut events = of.engine().events();
    let search = async {
        loop {
            let Ok(Event::Stats { stats }) = events.recv().await else { continue };
            if let Some(peer) = stats.peers.into_iter().next().filter(&look) {
                return peer;
            }
        }
    };
    timeout(LIMIT, search).await.unwrap_or_else(|_| panic!("not within {LIMIT:?}: {what}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_of_a_call_between_two_on_one_machine_are_plausible_on_both_sides() {
    let server = LocalServer::start();
    let first = Participant::join(&server.url(), "figures", "first").await;
    let second = Participant::join(&server.url(), "figures", "second").await;
    for person in [&first, &second] {
        let flows = |peer: &PeerStats| {
            let both = [peer.sent, peer.received];
            both.iter().all(|way| way.bytes > 20_000 && way.packets > 100)
                && peer.current_round_trip_time.is_some()
                && peer.inbound_video.as_ref().is_some_and(|video| video.frames_decoded > 20)
                && peer.inbound_audio.total_samples_received > 48_000
        };
        let peer = figures(person, "everything flows", flows).await;
        let path = peer.path.unwrap();
        assert_eq!((path.kind, path.relay_protocol), (PathKind::Network, None));
        assert!(path.ip_version.is_some());
        let round_trip = peer.current_round_trip_time.unwrap();
        assert!((0.0..3.0).contains(&round_trip), "{round_trip} s");
        for way in [peer.sent, peer.received] {
            assert!(way.lost * 10 <= way.packets, "{way:?}");
        }
        let (sent, received) = (peer.outbound_video.unwrap(), peer.inbound_video.unwrap());
        assert_eq!((sent.codec.as_str(), sent.encoder_implementation.as_str()), ("H264", "OpenH264"));
        assert_eq!((sent.power_efficient_encoder, received.codec.as_str()), (Some(false), "H264"));
        assert!(sent.quality_limitation_reason != QualityLimitation::Other);
        assert!(sent.frames_encoded > 0 && sent.frame_width >= 320 && received.frame_width >= 320);
        let audio = peer.inbound_audio;
        assert!(audio.concealed_samples < audio.total_samples_received, "{audio:?}");
    }
    first.leave().await;
    second.leave().await;
}
