//! Screens and windows on Windows: Windows.Graphics.Capture takes the pictures, from Windows 10, version 1903, on.

mod capture;
mod list;

use maru_media::{ScreenError, ScreenSource, ScreenSourceId};
use windows::Graphics::Capture::GraphicsCaptureSession;
use windows::Win32::Foundation::E_ACCESSDENIED;
use windows::core::Error;

use super::SYSTEM;
use crate::screen::Grabber;

/// What there is to share, screens first.
///
/// # Errors
/// [`ScreenError`] when this Windows cannot take pictures of screens.
pub fn screen_sources() -> Result<Vec<ScreenSource>, ScreenError> {
    check_supported()?;
    Ok(list::sources())
}

/// Begins to take pictures, on this thread. It does not take long enough to give up.
///
/// # Errors
/// [`ScreenError`] when there is no such screen or window, or it cannot be shared.
pub fn open_screen(id: &ScreenSourceId, _: &dyn Fn() -> bool) -> Result<Box<dyn Grabber>, ScreenError> {
    check_supported()?;
    let (source, place) = list::find(id).ok_or(ScreenError::Unknown)?;
    let name = source.name.clone();
    match capture::WindowsGrabber::open(source, place) {
        Ok(grabber) => Ok(Box::new(grabber)),
        Err(_) if !place.is_there() => Err(ScreenError::Unknown),
        Err(error) => Err(refused(&name, &error)),
    }
}

fn check_supported() -> Result<(), ScreenError> {
    // An older Windows does not know the class, which is an error.
    if GraphicsCaptureSession::IsSupported().unwrap_or(false) {
        return Ok(());
    }
    let problem = "it takes Windows 10, version 1903 or newer".to_owned();
    Err(ScreenError::Unsupported { system: SYSTEM, problem })
}

/// What Windows answered instead.
fn refused(name: &str, error: &Error) -> ScreenError {
    if error.code() == E_ACCESSDENIED {
        return ScreenError::Denied { system: SYSTEM };
    }
    let message = error.message();
    let problem = format!("Windows refuses ({}, {})", error.code(), message.trim_end_matches('.'));
    ScreenError::Failed { name: name.to_owned(), problem }
}
