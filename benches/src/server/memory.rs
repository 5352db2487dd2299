//! What an idle connection costs: the server's resident memory before and after.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clients::{Crowd, most};
use crate::program::Program;
use crate::tls::Pair;

/// Numbers of connections, with the goal for each, in bytes of memory for each connection.
const CROWDS: [(usize, &str); 2] = [(10_000, "8.0 KB each"), (50_000, "450 MB in all")];

/// How long the connections rest before it is measured: every one has been pinged twice.
const REST: Duration = Duration::from_secs(9);

/// Prints a table.
pub async fn measure(server: &Path, files: usize) -> Result<()> {
    println!("## Memory of idle connections\n");
    println!("Each connection has joined; rooms of two.\n");
    println!("| connections | before | after | each | goal |");
    println!("|---|---|---|---|---|");
    let mut sizes: Vec<(usize, &str)> = Vec::new();
    for (count, goal) in CROWDS {
        let possible = count.min(most(files));
        if sizes.last().is_none_or(|(before, _)| *before < possible) {
            sizes.push((possible, if possible == count { goal } else { "as many as this machine allows" }));
        }
    }
    for (count, goal) in sizes {
        row(Program::start(server, &[]).await?, count, &count.to_string(), goal).await?;
    }
    let count = CROWDS[0].0.min(most(files));
    let program = Program::start_secure(server, &Pair::new()?).await?;
    row(program, count, &format!("{count}, with TLS"), "").await?;
    println!();
    Ok(())
}

async fn row(program: Program, count: usize, name: &str, goal: &str) -> Result<()> {
    let resident = || program.resident_bytes().context("resident memory is read as Linux gives it");
    let before = resident()?;
    let mut crowd = Crowd::gather(&program.target, count).await?;
    tokio::time::sleep(REST).await;
    let after = resident()?;
    crowd.check()?;
    let each = after.saturating_sub(before) as f64 / count as f64 / 1000.0;
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!("| {name} | {:.1} MB | {:.1} MB | {each:.2} KB | {goal} |", mb(before), mb(after));
    Ok(())
}
