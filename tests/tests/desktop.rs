//! The app at home on a desktop: started twice, opened by links, ended in every way, in the tray, in notifications,
//! by keys from elsewhere. The desktop is made up; the app is real.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::Duration;

use maru_engine::Command;
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use maru_tests::window::{AppWindow, Call, Place, ROOM, WINDOW_NAME, screen};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// For anything that a busy machine may make wait.
const LIMIT: Duration = Duration::from_secs(30);

/// The tray's entry, as the page calls it.
const SHARE: &str = "Share your screen…";

async fn alone(participant: &Participant) {
    participant.until("alone", |view| view.peers.is_empty().then_some(())).await;
}

/// The app in a window with a frame, and that window's id.
async fn framed(server: &LocalServer) -> (AppWindow, String) {
    let mut place = Place::with_settings("{}");
    place.manage_windows();
    let window = AppWindow::open_at(place, &server.url(), &[]).await;
    let id = window.place().xdotool(&["search", "--onlyvisible", "--name", "^Maru$"]);
    (window, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_brings_the_first_window_to_the_front_and_ends() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let (window, first) = framed(&server).await;
    let place = window.place();
    place.xdotool(&["windowminimize", "--sync", &first]);
    assert_ne!(place.xdotool(&["getactivewindow"]), first);
    assert!(place.start_again(&[]).await);
    eventually("the first window in front", LIMIT, async || {
        (place.xdotool(&["getactivewindow"]) == first).then_some(())
    })
    .await;
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_out_of_sight_lets_go_of_camera_and_microphone_until_it_is_seen_again() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let (window, id) = framed(&server).await;
    let place = window.place();
    // Each device that is open has a thread.
    let threads = format!("/proc/{}/task", window.process_id());
    let open = || {
        let threads = fs::read_dir(&threads).unwrap().flatten();
        let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
        names.filter(|name| name.starts_with("synthetic-")).count()
    };
    let are_open = async |count| {
        eventually("other devices", LIMIT, async || (open() == count).then_some(())).await;
    };
    are_open(2).await;
    place.xdotool(&["windowminimize", "--sync", &id]);
    are_open(0).await;
    place.xdotool(&["windowactivate", "--sync", &id]);
    are_open(2).await;
    window.see("the own picture", "[data-self] canvas:not([data-frames=\"0\"])").await;
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_opened_in_a_call_asks_and_then_leads_to_its_room() {
    let call = Call::start(json!({ "name": WINDOW_NAME })).await;
    let there = Participant::join(&call.server.url(), "elsewhere", "Thea There").await;
    assert!(call.window.place().start_again(&[&call.link("elsewhere")]).await);
    call.window.see_text("#notice", "elsewhere").await;
    // It asks: nothing has happened yet.
    assert!(call.window.is_shown("body[data-screen=call]").await);
    call.other.until_peer("still in the room", WINDOW_NAME, |_| true).await;
    call.window.click("#notice .notice-action").await;
    alone(&call.other).await;
    there.until_peer("where the link leads", WINDOW_NAME, |_| true).await;
    there.leave().await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_starts_the_app_fills_the_room_in_and_joins_nothing_by_itself() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let place = Place::with_settings(&json!({ "name": WINDOW_NAME }).to_string());
    let window = AppWindow::open_at(place, &server.url(), &["maru://example.org/standup#token=sesame"]).await;
    window.see_text("#notice", "standup").await;
    let field = window.driver().find("#room").await.unwrap();
    let room = window.driver().property(&field, "value").await.unwrap();
    assert_eq!(room.as_deref(), Some("https://example.org/standup"));
    assert!(window.is_shown("body[data-screen=join]").await);

    assert!(window.place().start_again(&["maru:///nowhere"]).await);
    window.see_text("#notice", "is not a server’s address").await;
    window.end().await;
}

/// Somewhere to connect to; what comes is counted and not answered.
async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    (listener, host)
}

async fn connected(listener: &TcpListener) {
    tokio::time::timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_join_screen_connects_to_the_persons_own_servers_and_not_to_a_links() {
    let _screen = screen().await;
    let ((own, named), (foreign, linked), (wanted, typed)) =
        (listener().await, listener().await, listener().await);
    let place = Place::with_settings(&json!({ "name": WINDOW_NAME }).to_string());
    let server = format!("ws://{named}");
    let window = AppWindow::open_at(place, &server, &[]).await;
    connected(&own).await;

    assert!(window.place().start_again(&[&format!("maru://{linked}/standup")]).await);
    window.see_text("#notice", "standup").await;
    window.type_into("#name", "Ada").await;
    window.type_into("#room", &format!("https://{typed}/standup")).await;
    connected(&wanted).await;
    let heard = tokio::time::timeout(Duration::ZERO, foreign.accept()).await;
    assert!(heard.is_err(), "the link's server heard of the person");
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_window_is_a_call_of_its_own() {
    let call = Call::start(json!({})).await;
    let place = call.window.place();
    let windows = || {
        let found = place.xdotool(&["search", "--onlyvisible", "--name", "Maru$"]);
        found.lines().count()
    };
    eventually("one window", LIMIT, async || (windows() == 1).then_some(())).await;
    let page = call.window.driver().find("body").await.unwrap();
    call.window.driver().send_keys(&page, "\u{E009}n").await.unwrap();
    eventually("two windows", LIMIT, async || (windows() == 2).then_some(())).await;
    // The call goes on in the first one.
    call.other.until_peer("still in the room", WINDOW_NAME, |_| true).await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_settings_are_kept_aside_and_the_person_is_told() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let window = AppWindow::open_at(Place::with_settings("{\"name\": \"Wan"), &server.url(), &[]).await;
    window.see_text("#notice", "settings.json.broken-").await;
    let kept = fs::read_dir(window.place().config()).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.display().to_string().contains("broken-")).unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "{\"name\": \"Wan");
    window.join(ROOM, WINDOW_NAME).await;
    let saved = |text: &str| text.contains(WINDOW_NAME) && text.contains("\"version\": 1");
    eventually("new settings", LIMIT, async || saved(&window.settings()).then_some(())).await;
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_that_were_joined_are_offered_again() {
    let call = Call::start(json!({ "recent_rooms": ["회의실"] })).await;
    call.window.click("#leave").await;
    call.window.see_text("#recent-rooms", ROOM).await;
    // Not WebDriver's own click: it takes a text that is cut at its end for hidden.
    let click = "document.querySelector('#recent-rooms button:nth-child(2)').click()";
    call.window.run(click, &[]).await;
    let field = call.window.driver().find("#room").await.unwrap();
    let room = call.window.driver().property(&field, "value").await.unwrap();
    assert_eq!(room.as_deref(), Some("회의실"));
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_in_the_settings_or_in_the_most_talkative_log() {
    let _screen = screen().await;
    let private = LocalServer::start_private("open-sesame");
    let mut place = Place::with_settings("{}");
    place.say_everything();
    let window = AppWindow::open_at(place, "ws://127.0.0.1:9", &[]).await;
    window.click("#advanced summary").await;
    window.type_into("#server", &format!("{}?token=open-sesame", private.url())).await;
    window.join(ROOM, WINDOW_NAME).await;
    // There is no keyring here, and the person is told what follows from that.
    assert!(!window.settings().contains("sesame"));
    let place = window.end().await;
    let mut lines = 0;
    for entry in fs::read_dir(place.logs()).unwrap() {
        let log = fs::read_to_string(entry.unwrap().path()).unwrap();
        lines += log.lines().count();
        let leak = log.lines().find(|line| line.contains("sesame"));
        assert_eq!(leak, None);
    }
    assert!(lines > 0, "the log says nothing at all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_for_quitting_leave_the_room_first() {
    let call = Call::start(json!({})).await;
    let page = call.window.driver().find("body").await.unwrap();
    // The answer to this may be lost with the window.
    let _ = call.window.driver().send_keys(&page, "\u{E009}q").await;
    let asked = std::time::Instant::now();
    alone(&call.other).await;
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    call.window.until_gone().await;
    call.other.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_computer_is_kept_awake_for_as_long_as_the_call_is() {
    let place = Place::with_settings("{}");
    let desktop = place.bus().desktop().await;
    let call = Call::start_at(place).await;
    let awake = async || (desktop.awake() == ["A call is on"]).then_some(());
    eventually("kept awake", LIMIT, awake).await;
    call.window.click("#leave").await;
    eventually("let go", LIMIT, async || desktop.awake().is_empty().then_some(())).await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_item_in_the_tray_mutes_and_leaves() {
    let place = Place::with_settings("{}");
    let desktop = place.bus().desktop().await;
    let call = Call::start_at(place).await;
    let menu = async || desktop.tray_menu().await.filter(|menu| menu.contains_key("Mute"));
    eventually("a menu in the tray", LIMIT, menu).await;
    desktop.click_tray("Mute").await;
    call.other.until_peer("muted", WINDOW_NAME, |peer| peer.muted).await;
    desktop.click_tray("Mute").await;
    call.other.until_peer("on again", WINDOW_NAME, |peer| !peer.muted).await;
    desktop.click_tray("Leave").await;
    alone(&call.other).await;
    eventually("nothing in the tray", LIMIT, async || desktop.tray_menu().await.is_none().then_some(()))
        .await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_item_in_the_tray_shares_a_screen_and_ends_that() {
    let place = Place::with_settings("{}");
    let desktop = place.bus().desktop().await;
    let call = Call::start_at(place).await;
    let entry = async |text: &str| desktop.tray_menu().await?.contains_key(text).then_some(());
    eventually("an entry to share", LIMIT, async || entry(SHARE).await).await;
    desktop.click_tray(SHARE).await;
    call.window.press_enter("#picker [role=option]").await;
    call.other.until_peer("sharing", WINDOW_NAME, |peer| peer.sharing && peer.has_screen).await;
    eventually("an entry to stop", LIMIT, async || entry("Stop sharing").await).await;
    desktop.click_tray("Stop sharing").await;
    call.other.until_peer("sharing no more", WINDOW_NAME, |peer| !peer.sharing && !peer.has_screen).await;
    eventually("an entry to share again", LIMIT, async || entry(SHARE).await).await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_or_writes_in_the_background_is_named_and_not_quoted() {
    let mut place = Place::with_settings("{}");
    place.manage_windows();
    let desktop = place.bus().desktop().await;
    let call = Call::start_at(place).await;
    let id = call.window.place().xdotool(&["search", "--onlyvisible", "--name", "^Maru$"]);
    call.window.place().xdotool(&["windowminimize", "--sync", &id]);
    let is_told = |text: &str| desktop.notifications().contains(&("Maru".to_owned(), text.to_owned()));
    // The app learns a moment later than the desktop that it is not in front any more.
    let newcomer = eventually("word of the newcomer", LIMIT, async || {
        let newcomer = Participant::join(&call.server.url(), ROOM, "Nora Newcomer").await;
        newcomer.until_peer("connected", WINDOW_NAME, |peer| peer.has_video).await;
        if is_told("Nora Newcomer joined.") {
            return Some(newcomer);
        }
        newcomer.leave().await;
        None
    })
    .await;
    call.other.command(Command::SendChat { text: "the safe is open".into() }).await;
    let written = "Hedy &lt;b&gt;Headless&lt;/b&gt; wrote a message.";
    eventually("word of the message", LIMIT, async || is_told(written).then_some(())).await;
    // Who was there first is no news, and what was written is nobody else's business.
    let all = format!("{:?}", desktop.notifications());
    assert!(!all.contains("safe") && !all.contains("Hedy &lt;b&gt;Headless&lt;/b&gt; joined"), "{all}");
    newcomer.leave().await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_from_anywhere_mute_and_let_one_talk_while_they_are_held() {
    let keys = json!({ "mute_shortcut": "Ctrl+Shift+KeyM", "talk_shortcut": "F8" });
    let call = Call::start(json!({ "desktop": keys })).await;
    let place = call.window.place();
    let muted = async |wanted: bool| {
        call.other.until_peer("the microphone", WINDOW_NAME, |peer| peer.muted == wanted).await;
    };
    muted(false).await;
    place.xdotool(&["key", "ctrl+shift+m"]);
    muted(true).await;
    place.xdotool(&["keydown", "F8"]);
    muted(false).await;
    place.xdotool(&["keyup", "F8"]);
    muted(true).await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_another_program_has_are_not_taken_and_the_person_is_told() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let mut place = Place::with_settings(&json!({ "desktop": { "mute_shortcut": "Alt+F4" } }).to_string());
    // It closes windows by these.
    place.manage_windows();
    let window = AppWindow::open_at(place, &server.url(), &[]).await;
    window.see_text("#notice", "Another program has the keys Alt+F4").await;
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_comes_back_where_and_as_large_as_it_was_on_a_screen_that_is_there() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let mut place = Place::with_settings("{}");
    place.manage_windows();
    let window = AppWindow::open_at(place, &server.url(), &[]).await;
    let id = window.place().xdotool(&["search", "--onlyvisible", "--name", "^Maru$"]);
    window.place().xdotool(&["windowsize", "--sync", &id, "800", "600"]);
    window.place().xdotool(&["windowmove", "--sync", &id, "120", "90"]);
    let size = |window: &AppWindow| {
        let id = window.place().xdotool(&["search", "--onlyvisible", "--name", "^Maru$"]);
        window.place().xdotool(&["getwindowgeometry", "--shell", &id])
    };
    eventually("the new size", LIMIT, async || size(&window).contains("WIDTH=800").then_some(())).await;
    let before = size(&window);
    window.place().xdotool(&["windowactivate", "--sync", &id]);
    window.place().xdotool(&["key", "alt+F4"]);
    let place = window.until_gone().await;
    let state = place.config().join("window.json");
    let saved = fs::read_to_string(&state).unwrap();

    let window = AppWindow::open_at(place, &server.url(), &[]).await;
    eventually("the same size", LIMIT, async || size(&window).contains("WIDTH=800").then_some(())).await;
    let place_of = |geometry: &str| {
        geometry
            .lines()
            .filter(|line| line.starts_with(['X', 'Y']))
            .map(|line| line[2..].parse::<i32>().unwrap())
            .collect::<Vec<_>>()
    };
    let (old, new) = (place_of(&before), place_of(&size(&window)));
    // Frames make a difference of some pixels.
    assert!(old.iter().zip(&new).all(|(old, new)| (old - new).abs() < 60), "{old:?} {new:?}");
    let place = window.end().await;

    let mut lost: Value = serde_json::from_str(&saved).unwrap();
    lost["main"]["x"] = json!(9000);
    lost["main"]["y"] = json!(-4000);
    fs::write(&state, lost.to_string()).unwrap();
    let window = AppWindow::open_at(place, &server.url(), &[]).await;
    let found = place_of(&size(&window));
    assert!((0..1280).contains(&found[0]) && (0..800).contains(&found[1]), "{found:?}");
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_window_shows_the_call_while_the_large_one_is_away() {
    let mut place = Place::with_settings("{}");
    place.manage_windows();
    let call = Call::start_at(place).await;
    let (place, tile) = (call.window.place(), format!("[data-peer=\"{}\"]", call.other.id()));
    call.window.picture_after(&tile, 0).await;
    let id = place.xdotool(&["search", "--onlyvisible", "--name", "Maru$"]);
    place.xdotool(&["windowactivate", "--sync", &id]);
    place.xdotool(&["windowminimize", "--sync", &id]);
    let small = eventually("a small window", LIMIT, async || {
        let found = place.xdotool(&["search", "--onlyvisible", "--name", "^Maru$"]);
        let small = found.lines().find(|window| **window != *id)?.to_owned();
        place.xdotool(&["getwindowgeometry", "--shell", &small]).contains("WIDTH=304").then_some(small)
    })
    .await;
    place.xdotool(&["windowactivate", "--sync", &id]);
    eventually("only the large window", LIMIT, async || {
        let found = place.xdotool(&["search", "--onlyvisible", "--name", "Maru$"]);
        (!found.lines().any(|window| window == small)).then_some(())
    })
    .await;
    // Pictures are where they were.
    call.window.picture_after(&tile, maru_tests::wait::now_ms()).await;
    call.end().await;
}
