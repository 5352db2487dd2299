//! Pictures of an X server's screens and windows, by its protocol: RandR says where the screens are, Composite
//! gives a window's pixels also where another one covers it, Damage says when something was drawn, XFixes gives
//! the pointer, which is no part of the picture, and MIT-SHM has the server put pixels where they can be read.

mod list;
mod pixels;
mod pointer;

use std::time::{Duration, Instant};

use maru_media::video::convert::{PixelFormat, RawPicture, to_i420};
use maru_media::{FramePool, ScreenError, ScreenSource, ScreenSourceId, VideoFrame};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::composite::{self, ConnectionExt as _, Redirect};
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageOrder, MapState, Window,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

pub use self::list::sources;
use self::list::{Place, find};
use self::pixels::Pixels;
use self::pointer::Pointer;
use super::SYSTEM;
use crate::screen::Grabber;
use crate::worker::Stop;

/// How often it is looked whether something was drawn; nobody gets more pictures than that.
const LOOK_EVERY: Duration = Duration::from_millis(33);
/// Looks after which a still picture is no news.
const LOOKS: u32 = 3;
/// What is smaller cannot be encoded.
const MIN_SIDE_PX: u16 = 16;
const BYTES_PER_PIXEL: usize = 4;

/// A connection to the X server with what is needed of it.
struct Server {
    connection: RustConnection,
    root: Window,
}

/// What the X server answered instead.
#[derive(Debug)]
struct Refused(ReplyError);

impl From<ReplyError> for Refused {
    fn from(error: ReplyError) -> Self {
        Self(error)
    }
}

impl From<ConnectionError> for Refused {
    fn from(error: ConnectionError) -> Self {
        Self(error.into())
    }
}

impl From<ReplyOrIdError> for Refused {
    fn from(error: ReplyOrIdError) -> Self {
        Self(match error {
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::X11Error(error) => ReplyError::X11Error(error),
            ReplyOrIdError::IdsExhausted => ConnectionError::InsufficientMemory.into(),
        })
    }
}

impl Refused {
    /// The window is not there (any more), or not to be seen now.
    fn is_absence(&self) -> bool {
        let ReplyError::X11Error(error) = &self.0 else { return false };
        matches!(
            error.error_kind,
            ErrorKind::Window | ErrorKind::Drawable | ErrorKind::Match | ErrorKind::Pixmap
        )
    }

    fn of(self, name: &str) -> ScreenError {
        let problem = match self.0 {
            ReplyError::ConnectionError(error) => format!("the X server is gone ({error})"),
            ReplyError::X11Error(error) => format!("the X server refuses ({:?})", error.error_kind),
        };
        ScreenError::Failed { name: name.to_owned(), problem }
    }
}

impl Server {
    fn connect() -> Result<Self, ScreenError> {
        let (connection, screen) = x11rb::connect(None).map_err(|error| unsupported(&error))?;
        let setup = connection.setup();
        let Some(screen) = setup.roots.get(screen) else {
            return Err(unsupported(&ConnectError::InvalidScreen));
        };
        let (root, depth) = (screen.root, screen.root_depth);
        let plain =
            setup.pixmap_formats.iter().any(|format| format.depth == depth && format.bits_per_pixel == 32)
                && setup.image_byte_order == ImageOrder::LSB_FIRST;
        if !plain {
            let problem = format!("the X server has {depth} bits for a colour, and 24 are needed");
            return Err(ScreenError::Unsupported { system: SYSTEM, problem });
        }
        Ok(Self { connection, root })
    }

    /// The versions of the extensions that are used, which has to be said before they are.
    fn prepare(&self) -> Result<Extensions, Refused> {
        let has = |name| Ok::<_, Refused>(self.connection.extension_information(name)?.is_some());
        let pointer = has(x11rb::protocol::xfixes::X11_EXTENSION_NAME)?;
        if pointer {
            self.connection.xfixes_query_version(5, 0)?.reply()?;
        }
        let damage = pointer && has(damage::X11_EXTENSION_NAME)?;
        if damage {
            self.connection.damage_query_version(1, 1)?.reply()?;
        }
        let composite = has(composite::X11_EXTENSION_NAME)?;
        if composite {
            self.connection.composite_query_version(0, 4)?.reply()?;
        }
        Ok(Extensions { pointer, damage, composite })
    }
}

struct Extensions {
    pointer: bool,
    damage: bool,
    composite: bool,
}

fn unsupported(error: &ConnectError) -> ScreenError {
    ScreenError::Unsupported { system: SYSTEM, problem: format!("there is no X server ({error})") }
}

/// Takes pictures of a screen or a window.
pub struct X11Grabber {
    server: Server,
    source: ScreenSource,
    place: Place,
    /// The window's pixels, for its size of then.
    pixmap: Option<(u32, (u16, u16))>,
    composite: bool,
    pixels: Pixels,
    damage: Option<u32>,
    pointer: Option<Pointer>,
    /// Something was drawn since the last picture.
    changed: bool,
}

/// Begins to take pictures of what has this id.
///
/// # Errors
/// [`ScreenError`] when there is no such screen or window, or the X server refuses.
pub fn open(id: &ScreenSourceId) -> Result<X11Grabber, ScreenError> {
    let server = Server::connect()?;
    let (source, place) = find(&server, id).map_err(|error| error.of(""))?.ok_or(ScreenError::Unknown)?;
    let name = source.name.clone();
    X11Grabber::new(server, source, place)
        .map_err(|error| if error.is_absence() { ScreenError::Unknown } else { error.of(&name) })
}

impl X11Grabber {
    fn new(server: Server, source: ScreenSource, place: Place) -> Result<Self, Refused> {
        let extensions = server.prepare()?;
        let connection = &server.connection;
        let drawn_on = match place {
            Place::Screen { .. } => server.root,
            Place::Window(window) => window,
        };
        if let Place::Window(window) = place {
            let events = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
            connection.change_window_attributes(window, &events)?.check()?;
            if extensions.composite {
                connection.composite_redirect_window(window, Redirect::AUTOMATIC)?.check()?;
            }
        }
        let damage = if extensions.damage {
            let damage = connection.generate_id()?;
            connection.damage_create(damage, drawn_on, ReportLevel::NON_EMPTY)?.check()?;
            Some(damage)
        } else {
            None
        };
        let pointer = extensions.pointer.then(Pointer::default);
        let composite = extensions.composite;
        let pixels = Pixels::shared(connection)?;
        Ok(Self { server, source, place, pixmap: None, composite, pixels, damage, pointer, changed: true })
    }

    /// Whether something changed since the last picture; an error when the window is gone.
    fn look(&mut self) -> Result<bool, ScreenError> {
        let refused = |error: ConnectionError, name: &str| Refused::from(error).of(name);
        let name = self.source.name.clone();
        while let Some(event) =
            self.server.connection.poll_for_event().map_err(|error| refused(error, &name))?
        {
            match event {
                Event::DamageNotify(_) => self.changed = true,
                Event::MapNotify(_) | Event::ConfigureNotify(_) => {
                    self.changed = true;
                    self.forget_pixmap();
                }
                Event::DestroyNotify(_) => return Err(ScreenError::Closed { name }),
                _ => {}
            }
        }
        if let Some(pointer) = &mut self.pointer {
            self.changed |= pointer.look(&self.server.connection).map_err(|error| error.of(&name))?;
        }
        Ok(self.changed || self.damage.is_none())
    }

    fn forget_pixmap(&mut self) {
        if let Some((pixmap, _)) = self.pixmap.take() {
            let _ = self.server.connection.free_pixmap(pixmap); // gone with the connection at the latest
        }
    }

    /// What is to be taken, from where on the screen it begins; `None` while it is not to be seen.
    fn area(&mut self) -> Result<Option<Area>, Refused> {
        let connection = &self.server.connection;
        match self.place {
            Place::Screen { x, y, width, height } => {
                Ok(Some(Area { drawable: self.server.root, from: (x, y), at: (x, y), size: (width, height) }))
            }
            Place::Window(window) => {
                let attributes = connection.get_window_attributes(window)?;
                let geometry = connection.get_geometry(window)?;
                let origin = connection.translate_coordinates(window, self.server.root, 0, 0)?;
                let (attributes, geometry, origin) =
                    (attributes.reply()?, geometry.reply()?, origin.reply()?);
                if attributes.map_state != MapState::VIEWABLE {
                    return Ok(None);
                }
                let size = (geometry.width, geometry.height);
                let at = (origin.dst_x, origin.dst_y);
                let border = geometry.border_width.cast_signed();
                let drawable = self.pixels_of(window, size)?;
                let from = if drawable == window { (0, 0) } else { (border, border) };
                Ok(Some(Area { drawable, from, at, size }))
            }
        }
    }

    /// Where a window's pixels are, also of what others cover.
    fn pixels_of(&mut self, window: Window, size: (u16, u16)) -> Result<u32, Refused> {
        if !self.composite {
            return Ok(window);
        }
        match self.pixmap {
            Some((pixmap, of_size)) if of_size == size => Ok(pixmap),
            _ => {
                self.forget_pixmap();
                let pixmap = self.server.connection.generate_id()?;
                self.server.connection.composite_name_window_pixmap(window, pixmap)?.check()?;
                self.pixmap = Some((pixmap, size));
                Ok(pixmap)
            }
        }
    }

    fn take(&mut self, pool: &FramePool) -> Result<Option<VideoFrame>, Refused> {
        let Some(area) = self.area()? else { return Ok(None) };
        // What encodes it needs even sides: a row too few is better than all of them blurred.
        let (width, height) = (area.size.0 & !1, area.size.1 & !1);
        if width.min(height) < MIN_SIDE_PX {
            return Ok(None);
        }
        let connection = &self.server.connection;
        if let Some(damage) = self.damage {
            // Before the picture: what is drawn from now on is news.
            connection.damage_subtract(damage, x11rb::NONE, x11rb::NONE)?;
        }
        let captured = Instant::now();
        let data = self.pixels.take(connection, &area, (width, height))?;
        if let Some(pointer) = &self.pointer {
            pointer.draw(data, (usize::from(width), usize::from(height)), area.at);
        }
        let picture = RawPicture {
            format: PixelFormat::Bgrx32,
            width_px: u32::from(width),
            height_px: u32::from(height),
            stride: Some(usize::from(width) * BYTES_PER_PIXEL),
            data,
        };
        match to_i420(picture, captured, pool) {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                tracing::warn!(%error, "a picture of a screen makes no sense");
                Ok(None)
            }
        }
    }

    fn is_there(&self) -> bool {
        let Place::Window(window) = self.place else { return true };
        let asked = self.server.connection.get_window_attributes(window);
        asked.is_ok_and(|asked| asked.reply().is_ok())
    }
}

/// What a picture is taken of.
struct Area {
    drawable: u32,
    /// Where it begins in the drawable.
    from: (i16, i16),
    /// Where it begins on the screen, where the pointer is.
    at: (i16, i16),
    size: (u16, u16),
}

impl Grabber for X11Grabber {
    fn source(&self) -> ScreenSource {
        self.source.clone()
    }

    fn next(&mut self, pool: &FramePool, stop: &Stop) -> Result<Option<VideoFrame>, ScreenError> {
        for _ in 0..LOOKS {
            if self.look()? {
                match self.take(pool) {
                    Ok(Some(frame)) => {
                        self.changed = false;
                        return Ok(Some(frame));
                    }
                    Ok(None) => {} // not to be seen now: it is looked for again
                    Err(error) if error.is_absence() => {
                        self.forget_pixmap();
                        if !self.is_there() {
                            return Err(ScreenError::Closed { name: self.source.name.clone() });
                        }
                    }
                    Err(error) => return Err(error.of(&self.source.name)),
                }
            }
            if stop.wait_until(Instant::now() + LOOK_EVERY) {
                return Ok(None);
            }
        }
        Ok(None)
    }
}
