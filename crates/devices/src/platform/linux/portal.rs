//! What a person picks in the desktop's own dialog (xdg-desktop-portal), the one way to see a screen on Wayland: the
//! portal is asked over D-Bus (`ask`), the pictures come by PipeWire (`stream`). It refuses to know which screen or
//! window it is: the portal does not tell.

mod ask;
mod params;
mod picture;
mod stream;

use std::time::Instant;

use maru_media::{FramePool, ScreenError, ScreenKind, ScreenSource, ScreenSourceId, VideoFrame};

use self::ask::Session;
use self::stream::Stream;
use super::SYSTEM;
use crate::screen::{Grabber, PATIENCE};
use crate::worker::Stop;

/// What stands for the dialog.
const PORTAL: &str = "portal";

/// Whether this is the dialog.
pub fn is_portal(id: &ScreenSourceId) -> bool {
    id.as_str() == PORTAL
}

/// The dialog, which opens when this is shared.
pub fn source() -> ScreenSource {
    described((0, 0))
}

fn described((width, height): (u32, u32)) -> ScreenSource {
    let id = ScreenSourceId::new(PORTAL);
    ScreenSource { id, kind: ScreenKind::Portal, name: String::new(), width, height }
}

/// Asks the person, for as long as `is_wanted` says so and a few minutes at most; then begins to take pictures.
///
/// # Errors
/// [`ScreenError::Ended`] when nothing was chosen; otherwise what is missing.
pub fn open(is_wanted: &dyn Fn() -> bool) -> Result<PortalGrabber, ScreenError> {
    let choice = ask::ask(is_wanted)?;
    let stream = Stream::open(choice.remote, choice.node, is_wanted)?;
    Ok(PortalGrabber { source: described(stream.size_px()), stream, session: choice.session })
}

/// Takes the pictures of what was chosen.
pub struct PortalGrabber {
    source: ScreenSource,
    // Dropped in this order: pictures that still come, then who sends them.
    stream: Stream,
    session: Session,
}

impl Grabber for PortalGrabber {
    fn source(&self) -> ScreenSource {
        self.source.clone()
    }

    fn next(&mut self, pool: &FramePool, stop: &Stop) -> Result<Option<VideoFrame>, ScreenError> {
        let deadline = Instant::now() + PATIENCE;
        while !stop.is_raised() {
            // The desktop does not say whether the person ended it or what is shared was closed.
            if self.session.is_over() {
                return Err(ScreenError::Ended);
            }
            if let Some(frame) = self.stream.take(pool) {
                return Ok(Some(frame));
            }
            if Instant::now() >= deadline {
                break;
            }
            self.stream.turn(deadline)?;
        }
        Ok(None)
    }
}

/// Nothing can be shared, because of this.
fn unsupported(problem: impl Into<String>) -> ScreenError {
    ScreenError::Unsupported { system: SYSTEM, problem: problem.into() }
}
