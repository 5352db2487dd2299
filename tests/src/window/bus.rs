//! A session bus that nobody else is on, and on it the parts of a desktop that an app talks to: what keeps the
//! computer awake, what shows notifications, what holds tray items.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::NamedTempFile;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, connection, interface};

use crate::process::Group;

/// Nothing is started by the bus itself: that would be this machine's desktop, and would come to tests that know nothing
/// of it.
const CONFIG: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A session bus.
pub struct Bus {
    _daemon: Group,
    address: String,
}

impl Bus {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        let mut config = NamedTempFile::new().expect("a file");
        config.write_all(CONFIG.as_bytes()).expect("a file that can be written");
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={}", config.path().display()))
            .args(["--nofork", "--print-address=1"]);
        let mut daemon = Group::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let output = daemon.leader().stdout.take().expect("stdout is a pipe");
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).expect("the bus says its address");
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "the bus ended before it had an address");
        Self { _daemon: daemon, address }
    }

    /// For the environment variable `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Puts a desktop on the bus.
    ///
    /// # Panics
    /// When somebody else is one.
    pub async fn desktop(&self) -> Desktop {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let part = || Part(seen.clone());
        let build = || -> zbus::Result<connection::Builder<'_>> {
            connection::Builder::address(self.address.as_str())?
                .name("org.freedesktop.ScreenSaver")?
                .name("org.freedesktop.Notifications")?
                .name("org.kde.StatusNotifierWatcher")?
                .serve_at("/org/freedesktop/ScreenSaver", ScreenSaver(part()))?
                .serve_at("/org/freedesktop/Notifications", Notifications(part()))?
                .serve_at("/StatusNotifierWatcher", Watcher(part()))
        };
        let connection = build().expect("a desktop").build().await.expect("a desktop on the bus");
        Desktop { connection, seen }
    }
}

/// What was asked of the desktop.
#[derive(Default)]
struct Seen {
    /// Cookies and reasons of who keeps the computer awake.
    awake: HashMap<u32, String>,
    cookies: u32,
    /// Titles and texts.
    notifications: Vec<(String, String)>,
    /// Bus names of who has an item in the tray.
    tray: Vec<String>,
}

/// A desktop without a screen.
pub struct Desktop {
    connection: Connection,
    seen: Arc<Mutex<Seen>>,
}

impl Desktop {
    fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("nobody panicked"))
    }

    /// The reasons for which the computer is kept awake now.
    pub fn awake(&self) -> Vec<String> {
        self.seen(|seen| seen.awake.values().cloned().collect())
    }

    /// All notifications so far: titles and texts.
    pub fn notifications(&self) -> Vec<(String, String)> {
        self.seen(|seen| seen.notifications.clone())
    }

    /// The entries of the last tray item's menu, by text; `None` when there is none, or it is gone.
    pub async fn tray_menu(&self) -> Option<HashMap<String, i32>> {
        let owner = self.seen(|seen| seen.tray.last().cloned())?;
        let nothing: Vec<String> = Vec::new();
        let everything = (0_i32, -1_i32, nothing);
        let menu = Some("com.canonical.dbusmenu");
        let call =
            self.connection.call_method(Some(owner.as_str()), "/MenuBar", menu, "GetLayout", &everything);
        let answer = call.await.ok()?;
        type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
        let (_, (_, _, children)): (u32, Node) = answer.body().deserialize().ok()?;
        let mut entries = HashMap::new();
        for child in children {
            let (id, properties, _): Node = child.try_into().ok()?;
            if let Some(label) = properties.get("label").and_then(|label| text(label)) {
                entries.insert(label, id);
            }
        }
        Some(entries)
    }

    /// Clicks an entry of the tray item's menu.
    ///
    /// # Panics
    /// When there is none.
    pub async fn click_tray(&self, text: &str) {
        let menu = self.tray_menu().await.expect("an item in the tray");
        let entry = *menu.get(text).unwrap_or_else(|| panic!("no “{text}” in {menu:?}"));
        let owner = self.seen(|seen| seen.tray.last().cloned()).expect("an item in the tray");
        let click = (entry, "clicked", Value::from(0_i32), 0_u32);
        let menu = Some("com.canonical.dbusmenu");
        match self.connection.call_method(Some(owner.as_str()), "/MenuBar", menu, "Event", &click).await {
            // An item that goes with the click may be gone before it has answered.
            Err(zbus::Error::MethodError(name, ..)) if name == "org.freedesktop.DBus.Error.NoReply" => {}
            answer => drop(answer.expect("the click is taken")),
        }
    }
}

/// A text, in however many variants.
fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.to_string()),
        Value::Value(inner) => text(inner),
        _ => None,
    }
}

#[derive(Clone)]
struct Part(Arc<Mutex<Seen>>);

impl Part {
    fn note<T>(&self, note: impl FnOnce(&mut Seen) -> T) -> T {
        note(&mut self.0.lock().expect("nobody panicked"))
    }
}

struct ScreenSaver(Part);

#[interface(name = "org.freedesktop.ScreenSaver")]
impl ScreenSaver {
    fn inhibit(&self, _application: String, reason: String) -> u32 {
        self.0.note(|seen| {
            seen.cookies += 1;
            seen.awake.insert(seen.cookies, reason);
            seen.cookies
        })
    }

    #[zbus(name = "UnInhibit")]
    fn un_inhibit(&self, cookie: u32) {
        self.0.note(|seen| seen.awake.remove(&cookie));
    }
}

struct Notifications(Part);

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        _application: String,
        _replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        self.0.note(|seen| {
            seen.notifications.push((summary, body));
            u32::try_from(seen.notifications.len()).unwrap_or(1)
        })
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".into(), "actions".into()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".into(), "maru".into(), "1".into(), "1.2".into())
    }

    fn close_notification(&self, _id: u32) {}
}

struct Watcher(Part);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(
        &self,
        service: String,
        #[zbus(header)] header: zbus::message::Header<'_>,
    ) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let owner = if service.starts_with('/') { sender } else { service };
        self.0.note(|seen| seen.tray.push(owner));
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.note(|seen| seen.tray.clone())
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}
