//! Numbers, by `cargo xtask bench guest`: how fast a guest is in the room, how old the pictures are that it
//! sees, how fast files are, and what a hundred guests leave behind.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use maru_engine::FileState;
use maru_tests::browser::Kind;
use maru_tests::guest::Guest;
use maru_tests::order::First;
use maru_tests::participant::Participant;
use maru_tests::process::Group;
use maru_tests::programs;
use maru_tests::server::{LocalServer, link};
use maru_tests::wait::eventually;
use serde_json::{Value, json};

use crate::meeting::{ENGINE, GUEST, LIMIT, MACHINE, Meeting, ROOM};

/// Clicks `#join` as soon as it is there, and notes when the first picture of a peer is presented, in
/// milliseconds since the link was opened.
const STOPWATCH: &str = "
    const look = () => {
        const screen = document.body?.dataset.screen;
        if (screen === 'join' && !window.maruJoined) {
            window.maruJoined = performance.now();
            document.querySelector('#join').click();
        }
        const video = document.querySelector('[data-peer] video');
        if (!video) return;
        watch.disconnect();
        video.requestVideoFrameCallback(() => { window.maruFirstFrame = performance.now(); });
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { subtree: true, childList: true, attributes: true });";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo xtask bench guest"]
async fn from_link_to_first_picture() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let engine = Participant::join(&server.url(), ROOM, ENGINE).await;
    // The first visit leaves the page in the cache and the name in the settings.
    let guest = Guest::join(Kind::Chromium, &server, ROOM, GUEST).await;
    let script = json!({ "source": STOPWATCH });
    guest.driver().chromium("Page.addScriptToEvaluateOnNewDocument", script).await.unwrap();
    let (mut clicked, mut first) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        guest.click("#leave").await;
        engine.until("alone", |view| view.peers.is_empty().then_some(())).await;
        guest.driver().navigate("about:blank").await.unwrap();
        guest.driver().navigate(&server.link(ROOM)).await.unwrap();
        first.push(
            eventually("a first picture", LIMIT, async || {
                guest.run("return window.maruFirstFrame ?? null", &[]).await.as_f64()
            })
            .await,
        );
        clicked.push(guest.run("return window.maruJoined", &[]).await.as_f64().unwrap());
    }
    println!("link opened to join screen: p50 {:.0} ms of {clicked:.0?}", p50(&clicked));
    println!("link opened to first picture: p50 {:.0} ms of {first:.0?}", p50(&first));
    engine.leave().await;
}

/// How old each picture in a tile is when it is presented, in milliseconds, for so long.
const AGES: &str = include_str!("ages.js");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo xtask bench guest"]
async fn age_of_pictures_from_an_engine_and_from_another_browser() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let engine = Participant::join(&server.url(), ROOM, ENGINE).await;
    let watching = Guest::join(Kind::Chromium, &server, ROOM, GUEST).await;
    let painting = Guest::join(Kind::Chromium, &server, ROOM, "Pia Painter").await;
    painting.paint(1280, 720).await;
    let from_engine = format!("[data-peer=\"{}\"]", engine.id());
    let from_browser = format!("[data-peer]:not([data-peer=\"{}\"])", engine.id());
    for (what, tile) in [("engine", from_engine), ("browser", from_browser)] {
        watching.picture_after(&tile, 0).await;
        // Twice: the first seconds are a connection finding its rate.
        for _ in 0..2 {
            let ages = watching.driver().execute(AGES, &[json!(tile), json!(8000)]).await.unwrap();
            let (size, unreadable) = (&ages["size"], &ages["unreadable"]);
            let ages: Vec<f64> = ages["ages"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
            println!(
                "{what} to browser: p50 {:.0} ms of {} pictures, {unreadable} unreadable, {size}",
                p50(&ages),
                ages.len()
            );
        }
    }
    engine.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo xtask bench guest"]
async fn a_hundred_guests_leave_nothing_behind() {
    let _machine = MACHINE.lock().await;
    let port = maru_tests::process::free_port();
    let listen = format!("127.0.0.1:{port}");
    let quiet = |command: &mut Command| {
        Group::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let server = quiet(Command::new(programs::server()).args(["--listen", &listen]));
    let mut terminal = Command::new(programs::cli());
    terminal.args([
        "join",
        ROOM,
        "--name",
        ENGINE,
        "--server",
        &format!("ws://{listen}"),
        "--seconds",
        "3600",
    ]);
    terminal.args(["--camera", "test-pattern", "--microphone", "tone", "--speaker", "null"]);
    let terminal = quiet(&mut terminal);
    eventually("a server", LIMIT, async || std::net::TcpStream::connect(&listen).ok()).await;
    let guest = Guest::open_at(Kind::Chromium, &link(&listen, ROOM), GUEST).await;

    let mut before = Vec::new();
    for round in 0..110 {
        guest.join_again().await;
        guest.see("a picture", "[data-peer] video[data-frames]:not([data-frames='0'])").await;
        guest.click("#leave").await;
        guest.see("the join screen", "body[data-screen=join]").await;
        // What the first ten bring in, stays: code, buffers, caches.
        if round == 9 {
            before = [&server, &terminal].map(|program| Footprint::of(program.id())).into();
        }
    }
    let mut after = Vec::new();
    eventually("sockets closed", LIMIT, async || {
        after = [&server, &terminal].map(|program| Footprint::of(program.id())).into();
        after.iter().zip(&before).all(|(after, before)| after.files <= before.files).then_some(())
    })
    .await;
    for (name, (before, after)) in ["server", "engine"].iter().zip(before.iter().zip(&after)) {
        println!("{name}: {before:?} after 10 guests, {after:?} after 110");
        assert!(after.threads <= before.threads, "threads are left");
        assert!(after.rss_kib < before.rss_kib + 8 * 1024, "memory is left");
    }
}

/// Drops a file of so many bytes on the page.
const DROP: &str = "
    const [name, size] = arguments;
    const dropped = new DataTransfer();
    dropped.items.add(new File([new Uint8Array(size)], name));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo xtask bench guest"]
async fn a_large_file_from_an_engine_and_one_from_the_guest_beside_their_call() {
    const BYTES: u64 = 200_000_000;
    let meeting = Meeting::of(Kind::Chromium, First::Engine).await;
    let (guest, engine) = (&meeting.guest, &meeting.engine);
    let report = async || engine.engine().report().await.unwrap().peers[0].video.frames;
    let through = async |name: &str| {
        let (begun, frames) = (Instant::now(), report().await);
        eventually("a file that is through", 10 * LIMIT, async || {
            let view = engine.engine().view();
            let file = view.files.iter().find(|file| file.name == name)?;
            (file.state == FileState::Done).then_some(())
        })
        .await;
        let took = begun.elapsed().as_secs_f64();
        let fps = (report().await - frames) as f64 / took;
        println!(
            "{name}: {:.1} MB/s, {fps:.1} pictures a second from the guest meanwhile",
            BYTES as f64 / 1e6 / took
        );
    };
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("to the guest");
    fs::File::create(&path).unwrap().set_len(BYTES).unwrap();
    let picked = engine.engine().pick_file(path).unwrap();
    engine.command(maru_engine::Command::OfferFile { handle: picked.handle }).await;
    guest.click("#chat-toggle").await;
    guest.click("[data-file='1'] .file-buttons .primary").await;
    through("to the guest").await;

    guest.run(DROP, &[json!("from the guest"), json!(BYTES)]).await;
    let offered = engine
        .until("an offer", |view| {
            view.files.iter().find(|file| file.name == "from the guest").map(|file| file.id)
        })
        .await;
    engine.command(maru_engine::Command::AcceptFile { id: offered }).await;
    through("from the guest").await;
}

/// What a process holds.
#[derive(Debug)]
struct Footprint {
    rss_kib: u64,
    threads: u64,
    files: usize,
}

impl Footprint {
    fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
        Self { rss_kib: number("VmRSS:"), threads: number("Threads:"), files }
    }
}

fn p50(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
