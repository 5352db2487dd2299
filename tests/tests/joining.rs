//! Whoever joins is in the call after a few round trips, however long one takes.
#![cfg(target_os = "linux")]

use std::time::Duration;

use maru_tests::faults::{Joining, Scene};
use maru_tests::wait::eventually;
use tokio::time::sleep;

/// For the other's first picture.
const LIMIT: Duration = Duration::from_secs(30);
/// Calls of each kind that are measured.
const CALLS: usize = 5;
/// How long each goes on, so that it can be said how old its pictures are.
const GOES_ON: Duration = Duration::from_secs(4);

/// How Ben joined Anna, who was there before, where a round trip between any two machines takes so long; and how old
/// Anna's pictures are then.
async fn joining(round_trip: Duration, callers: &[&str]) -> Option<(Joining, f64)> {
    let far = |network: &maru_tests::routed::Network| {
        if !round_trip.is_zero() {
            network.delay(round_trip / 2);
        }
    };
    let scene = Scene::begin_on(far, callers).await?;
    let joining = eventually("Ben's first picture", LIMIT, async || scene.ben.joining()).await;
    sleep(GOES_ON).await;
    Some((joining, eventually("the age of pictures", LIMIT, async || scene.ben.age()).await))
}

#[tokio::test]
#[ignore = "a figure: cargo xtask bench join"]
async fn figures_of_joining() {
    // Long enough for the connection to the server to be open when the person joins.
    let ahead = ["--join-after", "2"];
    let relayed = [&ahead[..], &["--addresses", "relay-only"]].concat();
    let kinds = [("direct", &ahead[..]), ("relay only", &relayed[..]), ("direct, joined at once", &[][..])];
    println!(
        "| way | round trip | let in | path | first picture | round trips until then, and rest | age of pictures |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (kind, callers) in kinds {
        let mut rest = 0.0;
        for round_trip in [0, 50, 200] {
            let mut calls = Vec::new();
            for _ in 0..CALLS {
                let Some(call) = joining(Duration::from_millis(round_trip), callers).await else { return };
                calls.push(call);
            }
            let median = |of: fn(&(Joining, f64)) -> f64| {
                let mut values: Vec<_> = calls.iter().map(of).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            let picture = median(|(call, _)| call.picture);
            let trips = match round_trip {
                0 => {
                    rest = picture;
                    "–".to_owned()
                }
                _ => format!("{:.1} × {round_trip} ms + {rest:.0} ms", (picture - rest) / round_trip as f64),
            };
            println!(
                "| {kind} | {round_trip} ms | {:.0} ms | {:.0} ms | {picture:.0} ms | {trips} | {:.1} ms |",
                median(|(call, _)| call.joined),
                median(|(call, _)| call.connected),
                median(|(_, age)| *age),
            );
        }
    }
}
