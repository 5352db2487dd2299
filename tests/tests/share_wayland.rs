//! What is chosen in the desktop's own dialog, from `maru-cli` to an engine: pictures from a whole desktop on Wayland
//! (sway, PipeWire, xdg-desktop-portal), and what persons do with a dialog, from a portal of the test's own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use maru_engine::VideoKind;
use maru_media::VideoFrame;
use maru_tests::participant::Participant;
use maru_tests::process::Group;
use maru_tests::programs;
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use maru_tests::wayland::WaylandDesktop;
use maru_tests::window::Bus;
use serde_json::Value as Json;
use zbus::message::Header;
use zbus::names::{BusName, OwnedUniqueName};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, connection, interface};

const LIMIT: Duration = Duration::from_secs(60);
const SIZE: (u32, u32) = (640, 400);
const GREEN: &str = "#00ff00";
const BLUE: &str = "#0000ff";
/// The two in BT.601.
const GREEN_YUV: [u8; 3] = [145, 54, 34];
const BLUE_YUV: [u8; 3] = [41, 240, 110];

/// `maru-cli` in a room, and what it says.
struct Sharer {
    program: Group,
    typed: ChildStdin,
    said: PathBuf,
    _folder: tempfile::TempDir,
}

impl Sharer {
    fn join(server: &LocalServer, settle: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let mut cli = Command::new(programs::cli());
        settle(&mut cli);
        cli.args(["join", "desk", "--name", "Cleo", "--server", &server.url(), "--share", "portal"]);
        cli.args(["--camera", "none", "--microphone", "none", "--speaker", "null", "--json-every", "0.2"]);
        let file = File::create(&said).unwrap();
        cli.stdin(Stdio::piped()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut program = Group::start(&mut cli);
        let typed = program.leader().stdin.take().unwrap();
        Self { program, typed, said, _folder: folder }
    }

    /// With this session bus.
    fn join_by(server: &LocalServer, bus: &str) -> Self {
        Self::join(server, |cli| {
            cli.env("DBUS_SESSION_BUS_ADDRESS", bus);
        })
    }

    fn types(&mut self, line: &str) {
        writeln!(self.typed, "{line}").unwrap();
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// How many pictures of its screen it had encoded, each time it reported: after so many seconds, so many.
    fn encoded(&self) -> Vec<(f64, f64)> {
        let said = self.said();
        let reports = said.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
        let figures = reports.filter_map(|report| {
            Some((report["unix_ms"].as_f64()? / 1000.0, report["sent"]["screen"]["frames"].as_f64()?))
        });
        figures.collect()
    }

    /// What a person is told of trouble.
    fn troubles(&self) -> Vec<String> {
        let said = self.said();
        said.lines().filter(|line| line.starts_with('!')).map(str::to_owned).collect()
    }

    /// Waits until it shares what does not need any desktop: its call goes on.
    async fn can_still_share(&mut self, by: &Participant) {
        assert!(self.program.leader().try_wait().unwrap().is_none(), "{}", self.said());
        self.types("/share text");
        by.until_peer("a page of text", "Cleo", |peer| peer.sharing && peer.has_screen).await;
    }
}

/// Waits until the screen that somebody sees has this colour and this shape. Its size may be less than that: a busy
/// machine encodes smaller pictures.
async fn shows(by: &Participant, colour: [u8; 3], (width, height): (u32, u32)) {
    let shape = f64::from(width) / f64::from(height);
    eventually("the screen's colour and shape", LIMIT, async || {
        let pictures = by.engine().pictures(VideoKind::Screen);
        let (_, _, picture) = pictures.first()?;
        let near = colour_of(picture).into_iter().zip(colour).all(|(is, should)| is.abs_diff(should) < 12);
        let seen = f64::from(picture.width_px()) / f64::from(picture.height_px());
        (near && (seen - shape).abs() < 0.03).then_some(())
    })
    .await;
}

fn colour_of(picture: &VideoFrame) -> [u8; 3] {
    let (x, y) = (picture.width_px() as usize / 4, picture.height_px() as usize / 4);
    let [luma, blue, red] = picture.planes();
    let strides = picture.strides();
    [luma[y * strides[0] + x], blue[y / 2 * strides[1] + x / 2], red[y / 2 * strides[2] + x / 2]]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_on_wayland_is_seen_as_it_changes_until_it_goes() {
    let mut desktop = WaylandDesktop::start(SIZE, GREEN).await;
    let mut cli = Command::new(programs::cli());
    desktop.settle(cli.args(["devices", "--json"]));
    let listed: Json = serde_json::from_slice(&cli.output().unwrap().stdout).unwrap();
    let screens = listed["screens"].as_array().unwrap();
    assert_eq!((screens.len(), &screens[0]["kind"]), (1, &"portal".into()), "{screens:?}");

    let server = LocalServer::start();
    let ben = Participant::join(&server.url(), "desk", "Ben").await;
    let cleo = Sharer::join(&server, |cli| desktop.settle(cli));
    shows(&ben, GREEN_YUV, SIZE).await;
    desktop.command(&["output", "HEADLESS-1", "bg", BLUE, "solid_color"]);
    shows(&ben, BLUE_YUV, SIZE).await;

    // Something that is drawn anew all the time, about a hundred times a second.
    let still = cleo.encoded().last().copied().unwrap();
    let counting =
        desktop.run(Command::new("foot").args(["sh", "-c", "while :; do date +%N; sleep 0.005; done"]));
    let begun = eventually("moving pictures", LIMIT, async || {
        let reports = cleo.encoded();
        (reports.last()?.1 >= still.1 + 30.0).then_some(reports.len())
    });
    let begun = begun.await;
    let measured = eventually("more of them", LIMIT, async || {
        let reports = cleo.encoded();
        let (last, first) = (reports.last()?, reports.get(begun)?);
        // What is counted in a report was counted after the one before it, however busy the machine is.
        let seconds = last.0 - reports[begun - 1].0;
        (last.1 - first.1 >= 100.0).then_some((last.1 - first.1, seconds))
    });
    let (count, seconds) = measured.await;
    println!("{:.1} pictures a second", count / seconds);
    assert!(count <= 30.0 * seconds + 5.0, "{count} in {seconds} s are more than are asked for");
    drop(counting);

    desktop.crash();
    ben.until_peer("no screen", "Cleo", |peer| !peer.sharing).await;
    assert_eq!(cleo.troubles(), Vec::<String>::new(), "nobody can tell that from the person's own wish");
    drop(cleo);
    ben.leave().await;
}

/// What the person in front of the portal's dialog does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Person {
    Cancels,
    ThinksForever,
}

/// A desktop's portal with nothing behind it.
struct Portal {
    person: Person,
    /// Who asked, once the dialog is there.
    asked: Arc<Mutex<Option<OwnedUniqueName>>>,
}

type Options = HashMap<String, OwnedValue>;

/// The object of a request or session, as its maker names it.
fn object(kind: &str, header: &Header<'_>, options: &Options, token: &str) -> OwnedObjectPath {
    let sender = header.sender().unwrap().trim_start_matches(':').replace('.', "_");
    let token: String = options[token].try_clone().unwrap().try_into().unwrap();
    ObjectPath::try_from(format!("/org/freedesktop/portal/desktop/{kind}/{sender}/{token}")).unwrap().into()
}

async fn respond(
    connection: &Connection,
    request: &OwnedObjectPath,
    code: u32,
    results: HashMap<&str, Value<'_>>,
) {
    let interface = "org.freedesktop.portal.Request";
    connection
        .emit_signal(None::<BusName<'_>>, request.as_ref(), interface, "Response", &(code, results))
        .await
        .unwrap();
}

#[interface(name = "org.freedesktop.portal.ScreenCast")]
impl Portal {
    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        4
    }

    #[zbus(property)]
    fn available_source_types(&self) -> u32 {
        3
    }

    #[zbus(property)]
    fn available_cursor_modes(&self) -> u32 {
        2
    }

    async fn create_session(
        &self,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> OwnedObjectPath {
        let request = object("request", &header, &options, "handle_token");
        let session = object("session", &header, &options, "session_handle_token");
        let results = HashMap::from([("session_handle", Value::from(session.as_str()))]);
        respond(connection, &request, 0, results).await;
        request
    }

    async fn select_sources(
        &self,
        _session: OwnedObjectPath,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> OwnedObjectPath {
        assert_eq!(options["types"], OwnedValue::from(3_u32), "screens and windows");
        assert_eq!(options["cursor_mode"], OwnedValue::from(2_u32), "with the pointer in the picture");
        let request = object("request", &header, &options, "handle_token");
        respond(connection, &request, 0, HashMap::new()).await;
        request
    }

    async fn start(
        &self,
        _session: OwnedObjectPath,
        _parent: &str,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> OwnedObjectPath {
        let request = object("request", &header, &options, "handle_token");
        *self.asked.lock().unwrap() = Some(header.sender().unwrap().to_owned().into());
        if self.person == Person::Cancels {
            respond(connection, &request, 1, HashMap::new()).await;
        }
        request
    }
}

/// A bus with this person's portal on it.
struct Asked {
    bus: Bus,
    connection: Connection,
    asked: Arc<Mutex<Option<OwnedUniqueName>>>,
}

impl Asked {
    async fn start(person: Person) -> Self {
        let (bus, asked) = (Bus::start(), Arc::new(Mutex::new(None)));
        let portal = Portal { person, asked: Arc::clone(&asked) };
        let builder = connection::Builder::address(bus.address()).unwrap();
        let builder = builder.name("org.freedesktop.portal.Desktop").unwrap();
        let builder = builder.serve_at("/org/freedesktop/portal/desktop", portal).unwrap();
        Self { connection: builder.build().await.unwrap(), bus, asked }
    }

    /// Who asked.
    async fn asker(&self) -> OwnedUniqueName {
        eventually("the dialog", LIMIT, async || self.asked.lock().unwrap().clone()).await
    }

    async fn until_gone(&self, name: OwnedUniqueName) {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.unwrap();
        let gone = async || {
            let has = bus.name_has_owner(BusName::Unique(name.as_ref())).await.unwrap();
            (!has).then_some(())
        };
        eventually("the end of the conversation, which closes the dialog", LIMIT, gone).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialog_that_is_closed_without_a_choice_is_no_trouble() {
    let desktop = Asked::start(Person::Cancels).await;
    let server = LocalServer::start();
    let ben = Participant::join(&server.url(), "desk", "Ben").await;
    let mut cleo = Sharer::join_by(&server, desktop.bus.address());
    let asker = desktop.asker().await;
    desktop.until_gone(asker).await;
    cleo.can_still_share(&ben).await;
    assert_eq!(cleo.troubles(), Vec::<String>::new());
    drop(cleo);
    ben.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dialog_goes_when_something_else_is_shared_while_it_is_open() {
    let desktop = Asked::start(Person::ThinksForever).await;
    let server = LocalServer::start();
    let ben = Participant::join(&server.url(), "desk", "Ben").await;
    let mut cleo = Sharer::join_by(&server, desktop.bus.address());
    let asker = desktop.asker().await;
    cleo.can_still_share(&ben).await;
    desktop.until_gone(asker).await;
    assert_eq!(cleo.troubles(), Vec::<String>::new());
    drop(cleo);
    ben.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_portal_one_is_told_what_to_do() {
    let server = LocalServer::start();
    let mut cleo = Sharer::join_by(&server, "unix:path=/nowhere");
    let told = eventually("what is missing", LIMIT, async || cleo.troubles().pop()).await;
    assert!(told.contains("no session bus") && told.contains("xdg-desktop-portal with PipeWire"), "{told}");
    assert!(cleo.program.leader().try_wait().unwrap().is_none(), "{}", cleo.said());
}
