//! `maru-cli`: a participant without a window, for people on a terminal, for tests and benchmarks.
//!
//! It refuses to know how a call works: it parses arguments, drives an [`maru_engine::Engine`] and
//! prints. Standard output is for the result; logs and prompts go to standard error.

mod args;
mod demo;
mod devices;
mod files;
mod join;
mod output;
mod participant;
mod platform;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("MARU_LOG").unwrap_or_else(|_| EnvFilter::new(QUIET)))
        .with_writer(std::io::stderr)
        .init();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let result = runtime.block_on(run(args));
            // The thread that reads standard input cannot be interrupted: do not wait for it.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("maru-cli: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Warnings, without those of the WebRTC stack about packets that a closing connection did not want.
const QUIET: &str = "warn,rtc=off,webrtc=off,rtc_ice=off,rtc_dtls=off,rtc_sctp=off,rtc_interceptor=off";

/// How long an orderly end may take, once one was asked for.
const END_TIMEOUT: Duration = Duration::from_secs(6);

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    tokio::spawn(async {
        platform::asked_to_end().await;
        tokio::time::sleep(END_TIMEOUT).await;
        eprintln!("maru-cli: ended without saying goodbye");
        std::process::exit(130);
    });
    match args.command {
        Command::Devices { json } => devices::run(json).await,
        Command::Join(join) => join::run(*join).await,
        Command::Demo(demo) => demo::run(demo).await,
    }
}
