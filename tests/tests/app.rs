//! What the app costs a person who is not in a call: time to start, computing time, memory.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use maru_tests::window::{AppWindow, Place};
use serde_json::json;
use tokio::time::sleep;

/// Starts that count; one before them warms the caches.
const STARTS: usize = 5;
/// How long computing time is counted.
const COUNTED: Duration = Duration::from_secs(20);
/// After a change, until what it caused is over.
const SETTLES: Duration = Duration::from_secs(8);
/// What `/proc` counts in, on every Linux.
const TICKS_PER_SECOND: u64 = 100;
const LIMIT: Duration = Duration::from_secs(30);

/// When the page first had something on it, in UNIX milliseconds. Before the join screen there is nothing.
const FIRST_PAINT: &str = "
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    return paint ? performance.timeOrigin + paint.startTime : null;";

/// The fields of `/proc/PID/stat` after the name, the first one being number 3 of proc(5).
fn stat(process: u32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

/// The process and all that came of it.
fn family(head: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids: Vec<u32> = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let parents: HashMap<u32, u32> =
        ids.into_iter().filter_map(|id| Some((id, stat(id)?.get(1)?.parse().ok()?))).collect();
    let comes_of = |mut id: u32| {
        while id != head {
            match parents.get(&id) {
                Some(&parent) if parent > 1 => id = parent,
                _ => return false,
            }
        }
        true
    };
    parents.keys().copied().filter(|&id| comes_of(id)).collect()
}

/// Computing time so far, of all of them together.
fn computed(head: u32) -> Duration {
    let of = |id| -> Option<u64> {
        let stat = stat(id)?;
        Some(stat.get(11)?.parse::<u64>().ok()? + stat.get(12)?.parse::<u64>().ok()?)
    };
    let ticks: u64 = family(head).into_iter().filter_map(of).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// Percent of a core.
async fn share(head: u32) -> f64 {
    sleep(SETTLES).await;
    let before = computed(head);
    sleep(COUNTED).await;
    computed(head).saturating_sub(before).as_secs_f64() / COUNTED.as_secs_f64() * 100.0
}

/// Memory in MB, what is shared counted in parts (PSS).
fn memory_mb(head: u32) -> f64 {
    let of = |id: u32| -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches(" kB").parse::<f64>().ok()
    };
    family(head).into_iter().filter_map(of).sum::<f64>() / 1000.0
}

/// When a process began, in UNIX milliseconds.
fn began_ms(process: u32) -> f64 {
    let ticks: f64 = stat(process).unwrap()[19].parse().unwrap();
    let boot = fs::read_to_string("/proc/stat").unwrap();
    let boot_s: f64 = boot.lines().find_map(|line| line.strip_prefix("btime ")).unwrap().parse().unwrap();
    // The time of booting is in whole seconds; the clocks themselves know better.
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime_s: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let now_s = maru_tests::wait::now_ms() as f64 / 1000.0;
    let exact_boot_s = if (now_s - uptime_s - boot_s).abs() < 2.0 { now_s - uptime_s } else { boot_s };
    (exact_boot_s + ticks / TICKS_PER_SECOND as f64) * 1000.0
}

async fn started(settings: &str) -> (AppWindow, f64) {
    let server = LocalServer::start();
    let mut place = Place::with_settings(settings);
    place.manage_windows();
    let window = AppWindow::open_at(place, &server.url(), &[]).await;
    let painted =
        eventually("a first picture", LIMIT, async || window.run(FIRST_PAINT, &[]).await.as_f64()).await;
    let took = painted - began_ms(window.process_id());
    (window, took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "figures: cargo xtask bench app"]
async fn figures_of_an_app_that_waits() {
    let settings = json!({ "name": "Ada" }).to_string();
    let mut starts = Vec::new();
    for start in 0..=STARTS {
        let (window, took) = started(&settings).await;
        if start > 0 {
            starts.push(took);
        }
        window.end().await;
    }
    starts.sort_by(f64::total_cmp);

    let (window, _) = started(&settings).await;
    let app = window.process_id();
    window.see("the own picture", "[data-self][data-picture=true]").await;
    let preview = share(app).await;
    let memory = memory_mb(app);
    window.click("#camera").await;
    window.see("the camera off", "#camera[aria-pressed=true]").await;
    let without = share(app).await;
    window.click("#camera").await;
    window.see("the own picture", "[data-self][data-picture=true]").await;
    let place = window.place();
    let shown = place.xdotool(&["search", "--onlyvisible", "--name", "^Maru$"]);
    place.xdotool(&["windowminimize", "--sync", &shown]);
    let behind = share(app).await;
    window.end().await;

    println!("| figure | measured | promised |");
    println!("|---|---|---|");
    println!(
        "| start to usable join screen, warm, p50 of {STARTS} | {:.0} ms | ≤ 1000 ms |",
        starts[STARTS / 2]
    );
    println!("| join screen with preview (test pattern), of a core | {preview:.1} % | ≤ 10 % |");
    println!("| join screen with the camera off, of a core | {without:.1} % | |");
    println!("| minimised, no call, of a core | {behind:.1} % | ≤ 0.5 % |");
    println!("| memory on the join screen (PSS, all processes) | {memory:.0} MB | |");
    println!("starts: {starts:.0?} ms");
}
