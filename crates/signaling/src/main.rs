//! `maru-server`: the signaling server as a program of its own.

mod args;
mod platform;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("maru-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(args: Args) -> anyhow::Result<()> {
    // Before the socket: whoever sees it listening may stop it.
    let stop = platform::stop_requested()?;
    let listener = maru_signaling::listen(&args.listen).await?;
    tracing::info!("listening on {}", listener.local_addr()?);
    let shutdown = async {
        let reason = stop.await;
        tracing::info!("stopping: {reason}");
    };
    maru_signaling::run_with(listener, args.config(), shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}
