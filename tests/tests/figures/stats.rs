//! What the figures that a call takes of itself once a second cost: `cargo xtask bench stats`.

use std::time::Duration;

use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::usage::ComputingTime;

/// How long each round takes.
const ROUND: Duration = Duration::from_secs(20);
const ROUNDS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo xtask bench stats"]
async fn figures_of_a_call_that_nobody_watches_and_of_one_that_somebody_does() {
    let server = LocalServer::start();
    // Without pictures: they would hide what is looked for.
    let join = async |name| {
        Participant::join_with(&server.url(), "stats", name, |config| config.camera_off = true).await
    };
    let people = [join("Anna").await, join("Ben").await, join("Cleo").await];
    tokio::time::sleep(Duration::from_secs(5)).await; // the call begins
    println!("| round | nobody watches | all three are watched |\n|---|---|---|");
    for round in 1..=ROUNDS {
        let mut percent = [0.0; 2];
        for (watched, percent) in percent.iter_mut().enumerate() {
            let watchers: Vec<_> =
                people.iter().filter(|_| watched == 1).map(|person| person.engine().events()).collect();
            let computing = ComputingTime::of(&[std::process::id()]);
            tokio::time::sleep(ROUND).await;
            *percent = computing.percent();
            drop(watchers);
        }
        println!("| {round} | {:.2} % of a core | {:.2} % |", percent[0], percent[1]);
    }
    for person in people {
        person.leave().await;
    }
}
