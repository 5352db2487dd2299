//! What a process takes of this machine, as the kernel counts it.

use std::fs;
use std::time::{Duration, Instant};

/// The kernel's clock ticks a second in what it says of processes (`USER_HZ`, the same everywhere by now).
const TICKS: u32 = 100;

/// Memory that a process holds now, in MB (10⁶ bytes).
///
/// # Panics
/// When there is no such process.
pub fn memory_mb(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line about memory");
    let kib: f64 = line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024.0 / 1e6
}

/// Computing time of some processes, from one moment to another.
pub struct ComputingTime {
    processes: Vec<u32>,
    since: Instant,
    before: Duration,
}

impl ComputingTime {
    /// From now on.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn of(processes: &[u32]) -> Self {
        let before = processes.iter().map(|process| used(*process)).sum();
        Self { processes: processes.to_vec(), since: Instant::now(), before }
    }

    /// What was used until now, in percent of one core.
    ///
    /// # Panics
    /// When a process ended.
    pub fn percent(&self) -> f64 {
        let now: Duration = self.processes.iter().map(|process| used(*process)).sum();
        (now - self.before).as_secs_f64() * 100.0 / self.since.elapsed().as_secs_f64()
    }
}

fn used(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field after it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok());
    Duration::from_secs(1) * ticks.sum::<u32>() / TICKS
}
