//! `cargo xtask bench server`: what connections cost the signaling server, how fast it forwards
//! signals, and how long joining takes while many are connected. The server is the real program, in a
//! process of its own; the load comes over loopback from several of its addresses.

mod clients;
mod figures;
mod forward;
mod join;
mod memory;
mod program;
mod tls;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use clients::{Crowd, raise_file_limit};
use program::Program;

const USAGE: &str =
    "usage: bench-server PATH-OF-MARU-SERVER [memory] [forward] [join]; with no part named, all";
const PARTS: [&str; 3] = ["memory", "forward", "join"];

/// Connections that the other measurements have in the background.
const CONNECTED: usize = 10_000;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let server = PathBuf::from(arguments.next().context(USAGE)?);
    let mut wanted: Vec<String> = arguments.collect();
    if let Some(unknown) = wanted.iter().find(|name| !PARTS.contains(&name.as_str())) {
        bail!("{USAGE}; not {unknown}");
    }
    if wanted.is_empty() {
        wanted = PARTS.map(String::from).to_vec();
    }
    let files = raise_file_limit()?;
    if wanted.iter().any(|part| part == "memory") {
        memory::measure(&server, files).await?;
    }
    if wanted.iter().all(|part| part == "memory") {
        return Ok(());
    }
    let program = Program::start(&server, &[]).await?;
    let connected = CONNECTED.min(clients::most(files));
    let mut crowd = Crowd::gather(&program.target, connected).await?;
    if wanted.iter().any(|part| part == "forward") {
        forward::measure(&program.target, connected).await?;
    }
    if wanted.iter().any(|part| part == "join") {
        join::measure(&program.target, connected).await?;
    }
    crowd.check()
}
