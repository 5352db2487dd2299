//! Screens and windows of a real X server, from `maru-cli` to an engine.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};
use std::time::Duration;

use maru_engine::VideoKind;
use maru_media::VideoFrame;
use maru_tests::participant::Participant;
use maru_tests::process::Group;
use maru_tests::programs;
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use maru_tests::window::display::Display;
use serde_json::Value;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, Window, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const LIMIT: Duration = Duration::from_secs(30);
const TITLE: &str = "Quarterly numbers";
const SIZE: (u16, u16) = (401, 301);
const GREEN: u32 = 0x0000_ff00;
const BLUE: u32 = 0x0000_00ff;
/// The two in BT.601.
const GREEN_YUV: [u8; 3] = [145, 54, 34];
const BLUE_YUV: [u8; 3] = [41, 240, 110];

/// A display with a window on it.
struct Desk {
    display: Display,
    connection: RustConnection,
    root: Window,
    window: Window,
}

impl Desk {
    fn new() -> Self {
        Self::on(Display::start())
    }

    fn on(display: Display) -> Self {
        let (connection, screen) = x11rb::connect(Some(display.name())).unwrap();
        let root = connection.setup().roots[screen].root;
        let mut desk = Self { display, connection, root, window: 0 };
        desk.window = desk.window(TITLE, GREEN, (100, 80), SIZE);
        desk
    }

    fn window(&self, title: &str, colour: u32, (x, y): (i16, i16), (width, height): (u16, u16)) -> Window {
        let window = self.connection.generate_id().unwrap();
        let look = CreateWindowAux::new().background_pixel(colour).override_redirect(1);
        let class = WindowClass::INPUT_OUTPUT;
        self.connection.create_window(0, window, self.root, x, y, width, height, 0, class, 0, &look).unwrap();
        let (name, text) = (AtomEnum::WM_NAME, AtomEnum::STRING);
        self.connection.change_property8(PropMode::REPLACE, window, name, text, title.as_bytes()).unwrap();
        self.connection.map_window(window).unwrap();
        self.connection.sync().unwrap();
        window
    }

    fn cli(&self, arguments: &[&str]) -> Command {
        let mut cli = Command::new(programs::cli());
        cli.args(arguments).env("DISPLAY", self.display.name()).env_remove("WAYLAND_DISPLAY");
        cli.env_remove("XDG_SESSION_TYPE").stdin(Stdio::null());
        cli
    }

    fn join(&self, server: &LocalServer, source: &str) -> Group {
        let url = server.url();
        let arguments = ["join", "desk", "--name", "Cleo", "--server", &url, "--share", source];
        let devices = ["--camera", "none", "--microphone", "none", "--speaker", "null"];
        Group::start(self.cli(&arguments).args(devices))
    }
}

/// Waits until the screen that somebody sees has this colour, and gives the picture's size.
async fn shows(by: &Participant, colour: [u8; 3]) -> (u32, u32) {
    eventually("the window's colour", LIMIT, async || {
        let pictures = by.engine().pictures(VideoKind::Screen);
        let (_, _, picture) = pictures.first()?;
        let near = colour_of(picture).into_iter().zip(colour).all(|(is, should)| is.abs_diff(should) < 12);
        near.then_some((picture.width_px(), picture.height_px()))
    })
    .await
}

/// Off the middle: the pointer of a new X server is there, and is in the picture too.
fn colour_of(picture: &VideoFrame) -> [u8; 3] {
    let (x, y) = (picture.width_px() as usize / 4, picture.height_px() as usize / 4);
    let [luma, blue, red] = picture.planes();
    let strides = picture.strides();
    [luma[y * strides[0] + x], blue[y / 2 * strides[1] + x / 2], red[y / 2 * strides[2] + x / 2]]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_is_listed_shared_also_while_it_is_covered_and_its_end_ends_the_share() {
    let desk = Desk::new();
    let listed = desk.cli(&["devices", "--json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let screens = listed["screens"].as_array().unwrap();
    assert_eq!((&screens[0]["kind"], &screens[0]["width"]), (&"screen".into(), &1280.into()), "{screens:?}");
    let window = screens.iter().find(|source| source["name"] == TITLE).unwrap();
    assert_eq!((&window["kind"], &window["width"]), (&"window".into(), &SIZE.0.into()));

    let server = LocalServer::start();
    let ben = Participant::join(&server.url(), "desk", "Ben").await;
    let cleo = desk.join(&server, window["id"].as_str().unwrap());
    assert_eq!(shows(&ben, GREEN_YUV).await, (400, 300), "an odd row and column are left out");

    let cover = desk.window("Something else", BLUE, (50, 50), (600, 500));
    desk.connection.clear_area(false, desk.window, 0, 0, 0, 0).unwrap();
    desk.connection.sync().unwrap();
    shows(&ben, GREEN_YUV).await;
    desk.connection.destroy_window(cover).unwrap();

    desk.connection.destroy_window(desk.window).unwrap();
    desk.connection.sync().unwrap();
    ben.until_peer("no screen", "Cleo", |peer| !peer.sharing).await;
    drop(cleo);
    ben.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_is_shared_with_what_comes_onto_it() {
    a_screen_is_shared(Desk::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_is_shared_also_where_the_server_shares_no_memory() {
    a_screen_is_shared(Desk::on(Display::start_with(&["-extension", "MIT-SHM"]))).await;
}

async fn a_screen_is_shared(desk: Desk) {
    let listed = desk.cli(&["devices", "--json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let server = LocalServer::start();
    let ben = Participant::join(&server.url(), "desk", "Ben").await;
    let cleo = desk.join(&server, listed["screens"][0]["id"].as_str().unwrap());
    ben.until_peer("a screen", "Cleo", |peer| peer.has_screen).await;
    for (colour, yuv) in [(BLUE, BLUE_YUV), (GREEN, GREEN_YUV)] {
        desk.window("A large one", colour, (0, 0), (1280, 800));
        assert_eq!(shows(&ben, yuv).await, (1280, 800));
    }
    drop(cleo);
    ben.leave().await;
}
