//! How long a signal takes from one client through the server to another.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use maru_protocol::{ServerMessage, Signal};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, timeout};

use crate::clients::{Client, Target};
use crate::figures::{print_head, print_row};

/// Pairs of clients, each in a room of its own.
const PAIRS: u32 = 100;

/// Signals of each pair in a second: 2,000 in all.
const RATE_HZ: u32 = 20;

/// Signals of each pair.
const SIGNALS: u32 = 200;

/// Prints a table.
pub async fn measure(server: &Target, connected: usize) -> Result<()> {
    println!("## Forwarding\n");
    let rate = PAIRS * RATE_HZ;
    println!(
        "{PAIRS} pairs of clients, {rate} signals a second in all, {connected} others connected; from sending to \
         receiving, with the load on the same machine.\n"
    );
    let mut pairs = JoinSet::new();
    let began = Instant::now();
    for pair in 0..PAIRS {
        let room = format!("pair {pair}");
        let sender = Client::join(server, pair as usize, &room).await?;
        let receiver = Client::join(server, pair as usize + 1, &room).await?;
        pairs.spawn(async move { timed(sender, receiver, began, pair).await });
    }
    let mut delays = Vec::new();
    while let Some(pair) = pairs.join_next().await {
        delays.extend(pair??);
    }
    print_head();
    print_row("signal", delays, "5 ms");
    println!();
    Ok(())
}

/// Sends signals evenly and gives back how long each took.
async fn timed(mut sender: Client, mut receiver: Client, began: Instant, pair: u32) -> Result<Vec<Duration>> {
    let every = Duration::from_secs(1) / RATE_HZ;
    let to = receiver.id;
    let sending = async move {
        // The pairs take turns: a real load is not one burst every twentieth of a second.
        let first = tokio::time::Instant::now() + every * pair / PAIRS;
        let mut ticks = interval_at(first, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut sent = 0;
        while sent < SIGNALS {
            tokio::select! {
                _ = ticks.tick() => {
                    sent += 1;
                    let now = began.elapsed().as_nanos();
                    let line = format!("candidate:{now} 1 udp 2122260223 192.0.2.1 54400 typ host generation 0 ufrag abcd");
                    let signal = json!({ "kind": "candidate", "candidate": line, "sdp_mid": "0", "sdp_m_line_index": 0 });
                    sender.send(&json!({ "type": "signal", "to": to, "signal": signal })).await?;
                }
                message = sender.next() => if let ServerMessage::Error { message, .. } = message? {
                    bail!("the server refuses: {message}");
                },
            }
        }
        anyhow::Ok(sender)
    };
    let receiving = async {
        let mut delays = Vec::new();
        while delays.len() < SIGNALS as usize {
            let message =
                timeout(Duration::from_secs(10), receiver.next()).await.context("signals are lost")??;
            if let ServerMessage::Signal { signal: Signal::Candidate { candidate, .. }, .. } = message {
                let now = began.elapsed();
                let sent = candidate.strip_prefix("candidate:").and_then(|rest| rest.split(' ').next());
                let sent = Duration::from_nanos(sent.context("not the signal that was sent")?.parse()?);
                delays.push(now.saturating_sub(sent));
            }
        }
        anyhow::Ok(delays)
    };
    let (_sender, delays) = tokio::try_join!(sending, receiving)?;
    Ok(delays)
}
