//! Systems on which no screen can be shared yet.

use maru_media::{ScreenError, ScreenSource, ScreenSourceId};

use super::SYSTEM;
use crate::screen::Grabber;

/// There is nothing to share.
///
/// # Errors
/// Never.
pub fn screen_sources() -> Result<Vec<ScreenSource>, ScreenError> {
    Ok(Vec::new())
}

/// Says that it does not work here.
///
/// # Errors
/// Always.
pub fn open_screen(_: &ScreenSourceId) -> Result<Box<dyn Grabber>, ScreenError> {
    let problem = "this version of Maru does not share the screen on this system yet".to_owned();
    Err(ScreenError::Unsupported { system: SYSTEM, problem })
}
