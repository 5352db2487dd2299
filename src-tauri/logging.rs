//! Logs: to stderr and to a daily file of which a week is kept. The level comes from `MARU_LOG`
//! (syntax of `tracing_subscriber::EnvFilter`).

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Libraries log addresses and descriptions at levels of their own: only their errors by default.
const DEFAULT_FILTER: &str = "error,maru=info";

/// Daily files kept.
const FILES: usize = 7;

/// Starts logging. Keep the guard until the very end: dropping it writes what is still queued.
/// Without a usable directory the log goes to stderr alone.
pub fn start(dir: Option<&Path>) -> Option<WorkerGuard> {
    let (filter, bad_filter) = match std::env::var("MARU_LOG") {
        Ok(text) => match EnvFilter::try_new(&text) {
            Ok(filter) => (filter, None),
            Err(error) => (EnvFilter::new(DEFAULT_FILTER), Some(error)),
        },
        Err(_) => (EnvFilter::new(DEFAULT_FILTER), None),
    };
    let opened = match dir {
        Some(dir) => open(dir).map(Some),
        None => Ok(None),
    };
    let (file, failure) = match opened {
        Ok(file) => (file, None),
        Err(error) => (None, Some(error)),
    };
    // A full queue drops lines instead of making a call wait for a disk.
    let (file_layer, guard) = match file.map(tracing_appender::non_blocking) {
        Some((writer, guard)) => {
            (Some(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer)), Some(guard))
        }
        None => (None, None),
    };
    let stderr_layer = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Fails only where a logger is installed already, as in a test that starts the app twice.
    let _ = tracing_subscriber::registry().with(filter).with(stderr_layer).with(file_layer).try_init();

    if let Some(error) = bad_filter {
        tracing::warn!("MARU_LOG is not a log filter ({error}); using {DEFAULT_FILTER}");
    }
    if let Some(error) = failure {
        tracing::warn!("{error:#}; logging to stderr only");
    }
    log_panics();
    guard
}

fn open(dir: &Path) -> anyhow::Result<RollingFileAppender> {
    std::fs::create_dir_all(dir)
        .with_context(|| format!("cannot make the log directory {}", dir.display()))?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("maru")
        .filename_suffix("log")
        .max_log_files(FILES)
        .build(dir)
        .with_context(|| format!("cannot write a log file in {}", dir.display()))
}

/// A panic of any thread ends up in the file too, where a report can be made of it.
fn log_panics() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        tracing::error!("{info}");
        previous(info);
    }));
}
