//! Percentiles of durations, and how they are printed.

use std::time::Duration;

/// The share of durations that is not longer, such as 0.99; zero when there are none. Sorts them.
pub fn percentile(durations: &mut [Duration], share: f64) -> Duration {
    durations.sort_unstable();
    let last = durations.len().saturating_sub(1);
    // Never below the share: with a hundred durations, the 99th percentile is the 99th of them.
    let index = ((durations.len() as f64 * share).ceil() as usize).saturating_sub(1);
    durations.get(index.min(last)).copied().unwrap_or_default()
}

/// The head of a table of durations.
pub fn print_head() {
    println!("| | median | p99 | longest | goal (p99) |");
    println!("|---|---|---|---|---|");
}

/// One row of it.
pub fn print_row(name: &str, mut durations: Vec<Duration>, goal: &str) {
    let [median, p99, longest] = [0.5, 0.99, 1.0].map(|share| percentile(&mut durations, share));
    let ms = |duration: Duration| format!("{:.2} ms", duration.as_secs_f64() * 1000.0);
    println!("| {name} | {} | {} | {} | {goal} |", ms(median), ms(p99), ms(longest));
}
