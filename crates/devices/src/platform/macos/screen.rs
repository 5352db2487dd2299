//! Screens and windows on macOS: ScreenCaptureKit takes the pictures, from macOS 12.3 on.

mod capture;
mod list;

use std::time::Duration;

use maru_media::{ScreenError, ScreenSource, ScreenSourceId};
use objc2::rc::autoreleasepool;
use objc2_core_graphics::{CGPreflightScreenCaptureAccess, CGRequestScreenCaptureAccess};
use objc2_foundation::NSError;
use objc2_screen_capture_kit::{SCStreamErrorCode, SCStreamErrorDomain};

use super::SYSTEM;
use crate::screen::Grabber;

/// How long the system may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(4);

/// What there is to share, screens first.
///
/// # Errors
/// [`ScreenError`] when the system does not allow it, or does not answer.
pub fn screen_sources() -> Result<Vec<ScreenSource>, ScreenError> {
    check_allowed()?;
    autoreleasepool(|_| list::sources())
}

/// Begins to take pictures, on this thread. It does not take long enough to give up.
///
/// # Errors
/// [`ScreenError`] when there is no such screen or window, or it cannot be shared.
pub fn open_screen(id: &ScreenSourceId, _: &dyn Fn() -> bool) -> Result<Box<dyn Grabber>, ScreenError> {
    check_allowed()?;
    autoreleasepool(|_| {
        let chosen = list::find(id)?.ok_or(ScreenError::Unknown)?;
        Ok(Box::new(capture::MacosGrabber::open(&chosen)?) as Box<dyn Grabber>)
    })
}

/// The first time the system asks the person, who then has to start Maru again: it does not wait for the answer.
fn check_allowed() -> Result<(), ScreenError> {
    if CGPreflightScreenCaptureAccess() || CGRequestScreenCaptureAccess() {
        return Ok(());
    }
    Err(ScreenError::Denied { system: SYSTEM })
}

/// What the system answered instead.
fn refused(name: &str, error: Option<&NSError>) -> ScreenError {
    let name = name.to_owned();
    let Some(error) = error else {
        return ScreenError::Failed { name, problem: "the system does not say why".to_owned() };
    };
    // SAFETY: a constant of the system.
    let is_of_stream = &*error.domain() == unsafe { SCStreamErrorDomain };
    match SCStreamErrorCode(error.code()) {
        SCStreamErrorCode::UserDeclined if is_of_stream => ScreenError::Denied { system: SYSTEM },
        SCStreamErrorCode::UserStopped if is_of_stream => ScreenError::Ended,
        SCStreamErrorCode::NoCaptureSource if is_of_stream => ScreenError::Closed { name },
        SCStreamErrorCode(code) => {
            let message = error.localizedDescription().to_string();
            let problem = format!("macOS refuses ({code}, {})", message.trim_end_matches('.'));
            ScreenError::Failed { name, problem }
        }
    }
}

fn silent(name: &str) -> ScreenError {
    let problem = "macOS does not answer; try again".to_owned();
    ScreenError::Failed { name: name.to_owned(), problem }
}
