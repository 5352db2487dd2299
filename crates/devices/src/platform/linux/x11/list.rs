//! What screens and windows an X server has.

use maru_media::{ScreenError, ScreenKind, ScreenSource, ScreenSourceId};
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, MapState, Window, WindowClass};

use super::{Refused, Server};

/// More windows than a person would look through.
const MAX_WINDOWS: usize = 40;
/// Smaller ones are parts of a desktop, not what somebody works in.
const MIN_WINDOW_PX: u16 = 48;
/// Longest title, in characters.
const MAX_TITLE: usize = 120;
const SCREEN: &str = "screen:";
const WINDOW: &str = "window:";

/// Where a screen or window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A part of the root window.
    Screen { x: i16, y: i16, width: u16, height: u16 },
    /// A window by its number.
    Window(Window),
}

/// What there is to share, screens first.
///
/// # Errors
/// [`ScreenError`] when there is no X server, or it refuses.
pub fn sources() -> Result<Vec<ScreenSource>, ScreenError> {
    let server = Server::connect()?;
    let all = || {
        let mut all = screens(&server)?;
        all.extend(windows(&server)?);
        Ok::<_, Refused>(all)
    };
    let all = all().map_err(|error| error.of(""))?;
    Ok(all.into_iter().map(|(source, _)| source).collect())
}

/// The screen or window of this id.
pub fn find(server: &Server, id: &ScreenSourceId) -> Result<Option<(ScreenSource, Place)>, Refused> {
    let by_number = id.as_str().strip_prefix(WINDOW).and_then(|number| number.parse().ok());
    if let Some(window) = by_number {
        // Also one that is not listed any more because it is minimised now.
        return described(server, window);
    }
    Ok(screens(server)?.into_iter().find(|(source, _)| source.id == *id))
}

fn screens(server: &Server) -> Result<Vec<(ScreenSource, Place)>, Refused> {
    let connection = &server.connection;
    let monitors = match connection.randr_get_monitors(server.root, true) {
        Ok(asked) => asked.reply().map(|reply| reply.monitors).unwrap_or_default(),
        Err(_) => Vec::new(), // without RandR, or an old one
    };
    let mut screens = Vec::new();
    for monitor in monitors {
        let name = connection.get_atom_name(monitor.name)?.reply()?.name;
        let name = String::from_utf8_lossy(&name).into_owned();
        let (x, y, width, height) = (monitor.x, monitor.y, monitor.width, monitor.height);
        screens.push(screen(name, Place::Screen { x, y, width, height }, width, height));
    }
    if screens.is_empty() {
        let size = connection.get_geometry(server.root)?.reply()?;
        let (width, height) = (size.width, size.height);
        screens.push(screen("Screen".into(), Place::Screen { x: 0, y: 0, width, height }, width, height));
    }
    Ok(screens)
}

fn screen(name: String, place: Place, width: u16, height: u16) -> (ScreenSource, Place) {
    let id = ScreenSourceId::new(format!("{SCREEN}{name}"));
    let (width, height) = (width.into(), height.into());
    (ScreenSource { id, kind: ScreenKind::Screen, name, width, height }, place)
}

fn windows(server: &Server) -> Result<Vec<(ScreenSource, Place)>, Refused> {
    let mut windows = Vec::new();
    for window in candidates(server)? {
        if windows.len() == MAX_WINDOWS {
            break;
        }
        match described(server, window) {
            Ok(Some(known)) if is_usual(server, window, &known.0)? => windows.push(known),
            Ok(_) => {}
            Err(error) if error.is_absence() => {} // closed meanwhile
            Err(error) => return Err(error),
        }
    }
    Ok(windows)
}

/// The windows that a window manager says there are; without one, all that lie on the root.
fn candidates(server: &Server) -> Result<Vec<Window>, Refused> {
    let list = atom(server, b"_NET_CLIENT_LIST")?;
    let listed =
        server.connection.get_property(false, server.root, list, AtomEnum::WINDOW, 0, 4096)?.reply()?;
    let listed: Vec<Window> = listed.value32().map(Iterator::collect).unwrap_or_default();
    if !listed.is_empty() {
        return Ok(listed);
    }
    Ok(server.connection.query_tree(server.root)?.reply()?.children)
}

/// Whether a person would look for it: it has a title, a size, and is to be seen.
fn is_usual(server: &Server, window: Window, source: &ScreenSource) -> Result<bool, Refused> {
    let Ok(attributes) = server.connection.get_window_attributes(window)?.reply() else { return Ok(false) };
    Ok(attributes.map_state == MapState::VIEWABLE
        && attributes.class == WindowClass::INPUT_OUTPUT
        && source.width.min(source.height) >= u32::from(MIN_WINDOW_PX)
        && !source.name.is_empty())
}

fn described(server: &Server, window: Window) -> Result<Option<(ScreenSource, Place)>, Refused> {
    let size = match server.connection.get_geometry(window)?.reply() {
        Ok(size) => size,
        Err(error) => {
            let error = Refused::from(error);
            return if error.is_absence() { Ok(None) } else { Err(error) };
        }
    };
    let source = ScreenSource {
        id: ScreenSourceId::new(format!("{WINDOW}{window}")),
        kind: ScreenKind::Window,
        name: title(server, window)?,
        width: size.width.into(),
        height: size.height.into(),
    };
    Ok(Some((source, Place::Window(window))))
}

fn title(server: &Server, window: Window) -> Result<String, Refused> {
    let modern = (atom(server, b"_NET_WM_NAME")?, atom(server, b"UTF8_STRING")?);
    let old = (AtomEnum::WM_NAME.into(), AtomEnum::ANY.into());
    for (property, kind) in [modern, old] {
        let value = server.connection.get_property(false, window, property, kind, 0, 1024)?.reply()?.value;
        let text = String::from_utf8_lossy(&value);
        let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect();
        if !text.trim().is_empty() {
            return Ok(text.trim().to_owned());
        }
    }
    Ok(String::new())
}

fn atom(server: &Server, name: &[u8]) -> Result<Atom, Refused> {
    Ok(server.connection.intern_atom(false, name)?.reply()?.atom)
}
