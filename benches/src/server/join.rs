//! How long it takes from opening a connection to being in a room.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::{MissedTickBehavior, interval};

use crate::clients::{Client, Target};
use crate::figures::{print_head, print_row};

/// How many join, one after the other.
const JOINS: usize = 1000;

/// The time from one to the next.
const EVERY: Duration = Duration::from_millis(10);

/// Prints a table.
pub async fn measure(server: &Target, connected: usize) -> Result<()> {
    println!("## Joining\n");
    println!(
        "{JOINS} clients, 100 a second, {connected} others connected; from opening the TCP connection to `joined`.\n"
    );
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    for nth in 0..JOINS {
        ticks.tick().await;
        let began = Instant::now();
        let _client = Client::join(server, nth, &format!("another {}", nth % 100)).await?;
        times.push(began.elapsed());
    }
    print_head();
    print_row("join", times, "10 ms");
    println!();
    Ok(())
}
