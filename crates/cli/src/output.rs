//! Reports and pictures: what is left of a call.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use maru_engine::{CallReport, Engine, VideoKind};
use maru_media::video::snapshot::save_png;
use serde::Serialize;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// A call's report with what it cost.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it was made, in milliseconds since 1970.
    pub unix_ms: u128,
    #[serde(flatten)]
    pub call: CallReport,
    /// Processor time, in seconds of one core.
    pub cpu_s: f64,
    /// How long it took.
    pub wall_s: f64,
}

/// Measures processor and wall time from its making on.
#[derive(Clone, Copy)]
pub struct Meter {
    start: Instant,
    cpu: Duration,
}

impl Meter {
    pub fn start() -> Self {
        Self { start: Instant::now(), cpu: cpu_time() }
    }

    /// Adds the costs to a report; `share`: between how many participants the process' time is shared.
    pub fn report(&self, call: CallReport, share: usize) -> Report {
        let round = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
        let cpu = cpu_time().saturating_sub(self.cpu);
        Report {
            unix_ms: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
            call,
            cpu_s: round(cpu.as_secs_f64() / share.max(1) as f64),
            wall_s: round(self.start.elapsed().as_secs_f64()),
        }
    }
}

/// All processor time of this process so far.
fn cpu_time() -> Duration {
    let pid = Pid::from_u32(std::process::id());
    let Ok(mut system) = System::new() else { return Duration::ZERO };
    let what = ProcessRefreshKind::nothing().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
    system
        .process(pid)
        .map_or(Duration::ZERO, |process| Duration::from_millis(process.accumulated_cpu_time()))
}

/// Saves the newest picture of each peer's camera and of its screen; returns the files.
pub fn snapshots(engine: &Engine, dir: &Path, prefix: &str) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir).with_context(|| format!("The folder {} cannot be made", dir.display()))?;
    let mut files = Vec::new();
    let camera = engine.pictures(VideoKind::Camera).into_iter().map(|picture| (picture, ""));
    let screen = engine.pictures(VideoKind::Screen).into_iter().map(|picture| (picture, "-screen"));
    for ((id, name, picture), ending) in camera.chain(screen) {
        let id = id.to_string();
        let id = id.get(..8).unwrap_or(&id);
        let path = dir.join(format!("{prefix}{}-{id}{ending}.png", file_name(&name)));
        save_png(&picture, &path)
            .with_context(|| format!("The picture {} cannot be saved", path.display()))?;
        files.push(path);
    }
    Ok(files)
}

/// A peer's name as part of a file's name: nothing that a file system or a shell would take amiss.
fn file_name(name: &str) -> String {
    let safe: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(32).collect();
    if safe.is_empty() { "peer".into() } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_escape_from_the_folder() {
        assert_eq!(file_name("../etc/passwd"), "---etc-passwd");
        assert_eq!(file_name("민지"), "민지");
        assert_eq!(file_name(""), "peer");
    }
}
