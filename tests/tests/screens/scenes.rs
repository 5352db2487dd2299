//! Which screens there are.

use std::fmt::Write as _;

/// Where a scene plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the app's window.
    App,
    /// In a guest's browser on a desk.
    Browser,
    /// In a guest's browser on a phone.
    Phone,
}

/// A screen in a state worth a picture.
#[derive(Debug)]
pub struct Scene {
    /// What its picture is called.
    pub name: &'static str,
    pub place: Place,
    /// What one sees there.
    line: &'static str,
}

impl Scene {
    /// The picture's file.
    pub fn file(&self) -> String {
        format!("{}.webp", self.name)
    }
}

const fn scene(place: Place, name: &'static str, line: &'static str) -> Scene {
    Scene { name, place, line }
}

/// All of them, in the order in which a person might meet them.
pub const SCENES: &[Scene] = &[
    scene(
        Place::App,
        "first-start",
        "The very first start: no account, a name and a room. *New room* suggests one.",
    ),
    scene(Place::App, "no-room", "Joined without a room’s name: the field says so."),
    scene(Place::App, "camera-off", "Camera and microphone off before the call."),
    scene(Place::App, "settings", "What few need, folded away until then."),
    scene(Place::App, "check", "Camera, sound and connection, checked before a call."),
    scene(Place::App, "joining", "Joining, with a way back."),
    scene(Place::App, "unreachable", "The server is not there."),
    scene(Place::App, "not-maru", "Something else answers at that address, and where to mend it."),
    scene(Place::App, "other-version", "A server of another version of Maru."),
    scene(Place::App, "private", "A private server, and what to ask for."),
    scene(Place::App, "room-full", "The room is full."),
    scene(
        Place::App,
        "alone",
        "The first one in the room: the link for others, its QR code, the room’s name.",
    ),
    scene(Place::App, "connecting", "Somebody came; the way to them is being made."),
    scene(Place::App, "everybody-left", "Everybody else has left."),
    scene(Place::App, "two", "A call of two."),
    scene(Place::App, "without-camera", "The other one’s camera and microphone are off."),
    scene(Place::App, "chat", "The chat beside the call."),
    scene(Place::App, "devices", "Camera and sound, changed in the call."),
    scene(Place::App, "invite", "The invitation, at hand in every call."),
    scene(Place::App, "connection", "How the connection to somebody is, in a sentence and in figures."),
    scene(Place::App, "share-picker", "What could be shared."),
    scene(Place::App, "sharing", "What one shares oneself, and the way to end that."),
    scene(Place::App, "share", "Somebody’s screen, and the people beside it."),
    scene(Place::App, "four", "Four people, one of them with a very long name."),
    scene(Place::App, "nine", "Nine people."),
    scene(Place::App, "reconnecting", "The path to somebody broke; the others go on."),
    scene(Place::App, "server-away", "The server is out of reach. The call goes on."),
    scene(Place::App, "left", "After the call: back again with one click."),
    scene(Place::App, "ended", "The server ended the call."),
    scene(Place::App, "returning", "The next start: name and rooms are remembered."),
    scene(Place::Browser, "guest", "A guest opened a link: only a name is asked for."),
    scene(Place::Browser, "guest-denied", "The person, or the browser, said no to the camera."),
    scene(Place::Browser, "guest-busy", "Another program has the camera."),
    scene(
        Place::Browser,
        "guest-no-devices",
        "Neither a camera nor a microphone: one can still watch and listen.",
    ),
    scene(Place::Browser, "guest-unsupported", "A browser that cannot make calls."),
    scene(Place::Browser, "guest-call", "The guest in the call."),
    scene(Place::Phone, "phone", "The same on a phone, before the call."),
    scene(Place::Phone, "phone-alone", "Alone on a phone."),
    scene(Place::Phone, "phone-call", "A call of two on a phone."),
];

/// `docs/screens.md`.
pub fn docs() -> String {
    let mut text = String::from(
        "# Screens\n\nEvery screen in English and Korean, light and dark. The people are invented, their cameras \
         synthetic. Made by `cargo xtask screenshots`\nthrough the real window and a real browser; the tests reach \
         each of these states and read what it says.\n",
    );
    for (place, title) in
        [(Place::App, "The app"), (Place::Browser, "A guest’s browser"), (Place::Phone, "A guest’s phone")]
    {
        let _ = write!(text, "\n## {title}\n");
        for scene in SCENES.iter().filter(|scene| scene.place == place) {
            let Scene { name, line, .. } = scene;
            let _ = write!(text, "\n{line}\n\n![{name}](screens/{})\n", scene.file());
        }
    }
    text
}
