//! What screens and windows there are, and how large they are.

use std::sync::mpsc;

use block2::RcBlock;
use maru_media::{ScreenError, ScreenKind, ScreenSource, ScreenSourceId};
use objc2::rc::Retained;
use objc2_core_foundation::{CFArray, CFDictionary, CFRetained, CFString, CFType, CGPoint, CGRect};
use objc2_core_graphics::{
    CGDirectDisplayID, CGDisplayBounds, CGDisplayCopyDisplayMode, CGDisplayIsBuiltin, CGDisplayMode, CGError,
    CGGetDisplaysWithPoint, CGRectMakeWithDictionaryRepresentation, CGWindowID, CGWindowListCopyWindowInfo,
    CGWindowListOption, kCGWindowBounds,
};
use objc2_foundation::NSError;
use objc2_screen_capture_kit::{SCDisplay, SCShareableContent, SCWindow};

use super::{ANSWER_LIMIT, refused, silent};

/// More windows than a person would look through.
const MAX_WINDOWS: usize = 40;
/// Smaller ones are parts of a desktop, not what somebody works in.
const MIN_WINDOW_PX: u32 = 48;
/// Longest title, in characters.
const MAX_TITLE: usize = 120;
/// The layer of usual windows: menus, the Dock and such are on others.
const USUAL_LAYER: isize = 0;
const SCREEN: &str = "screen:";
const WINDOW: &str = "window:";

/// A screen or window of the system's list.
pub enum Chosen {
    /// A whole screen.
    Screen(ScreenSource, Retained<SCDisplay>),
    /// One window.
    Window(ScreenSource, Retained<SCWindow>),
}

/// Where a screen or window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A screen by its number.
    Screen(CGDirectDisplayID),
    /// A window by its number.
    Window(CGWindowID),
}

impl Place {
    /// How large it is now, in pixels; `None` once it is gone.
    pub fn size_px(self) -> Option<(u32, u32)> {
        match self {
            Self::Screen(display) => {
                let scale = scale(display)?;
                Some(size_px(CGDisplayBounds(display), scale))
            }
            Self::Window(window) => {
                let bounds = bounds(window)?;
                Some(size_px(bounds, scale_at(bounds)))
            }
        }
    }
}

/// What there is to share, screens first.
pub fn sources() -> Result<Vec<ScreenSource>, ScreenError> {
    let content = content(true)?;
    let mut sources: Vec<_> = screens(&content).into_iter().map(|(source, _)| source).collect();
    // SAFETY: as all calls here that only read: the list does not change any more.
    let windows = unsafe { content.windows() }.to_vec();
    let usual = windows.iter().filter(|window| is_usual(window)).map(|window| described(window));
    let usual =
        usual.filter(|source| source.width.min(source.height) >= MIN_WINDOW_PX && !source.name.is_empty());
    sources.extend(usual.take(MAX_WINDOWS));
    Ok(sources)
}

/// The screen or window of this id.
pub fn find(id: &ScreenSourceId) -> Result<Option<Chosen>, ScreenError> {
    // Also a window that is not listed any more because it is minimised now.
    let content = content(false)?;
    let by_number = id.as_str().strip_prefix(WINDOW).and_then(|number| number.parse::<CGWindowID>().ok());
    let Some(number) = by_number else {
        let chosen = screens(&content).into_iter().find(|(source, _)| source.id == *id);
        return Ok(chosen.map(|(source, display)| Chosen::Screen(source, display)));
    };
    // SAFETY: only reads, of a list that does not change any more.
    let mut windows = unsafe { content.windows() }.to_vec().into_iter();
    // SAFETY: as above.
    let chosen = windows.find(|window| unsafe { window.windowID() } == number);
    Ok(chosen.map(|window| Chosen::Window(described(&window), window)))
}

/// The system's list as it is now.
fn content(on_screen_only: bool) -> Result<Retained<SCShareableContent>, ScreenError> {
    let (said, answer) = mpsc::sync_channel(1);
    let block = RcBlock::new(move |content: *mut SCShareableContent, error: *mut NSError| {
        // SAFETY: each is null, or there for as long as the call. The list does not change any more, so the
        // other thread may have it.
        let (content, error) = unsafe { (Retained::retain(content), error.as_ref()) };
        // Nobody waits any more: it took too long.
        let _ = said.try_send(content.ok_or_else(|| refused("", error)));
    });
    // SAFETY: the block takes what the system passes, on any thread.
    unsafe {
        SCShareableContent::getShareableContentExcludingDesktopWindows_onScreenWindowsOnly_completionHandler(
            true,
            on_screen_only,
            &block,
        );
    }
    answer.recv_timeout(ANSWER_LIMIT).unwrap_or_else(|_| Err(silent("")))
}

fn screens(content: &SCShareableContent) -> Vec<(ScreenSource, Retained<SCDisplay>)> {
    // SAFETY: only reads.
    let displays = unsafe { content.displays() }.to_vec();
    let described = |(index, display): (usize, Retained<SCDisplay>)| {
        // SAFETY: only reads.
        let number = unsafe { display.displayID() };
        let (width, height) = Place::Screen(number).size_px()?;
        let id = ScreenSourceId::new(format!("{SCREEN}{number}"));
        // Its name is told on the main thread only.
        let name = if CGDisplayIsBuiltin(number) {
            "Built-in display".to_owned()
        } else {
            format!("Display {}", index + 1)
        };
        Some((ScreenSource { id, kind: ScreenKind::Screen, name, width, height }, display))
    };
    displays.into_iter().enumerate().filter_map(described).collect()
}

/// Whether a person would look for it.
fn is_usual(window: &SCWindow) -> bool {
    // SAFETY: only reads.
    unsafe { window.windowLayer() == USUAL_LAYER && window.isOnScreen() }
}

fn described(window: &SCWindow) -> ScreenSource {
    // SAFETY: only reads.
    let (number, frame, title) = unsafe { (window.windowID(), window.frame(), window.title()) };
    let (width, height) = size_px(frame, scale_at(frame));
    let title = title.map(|title| title.to_string()).unwrap_or_default();
    let name: String = title.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect();
    let id = ScreenSourceId::new(format!("{WINDOW}{number}"));
    ScreenSource { id, kind: ScreenKind::Window, name: name.trim().to_owned(), width, height }
}

/// Where a window is, in points; `None` once it is gone.
fn bounds(window: CGWindowID) -> Option<CGRect> {
    let list = CGWindowListCopyWindowInfo(CGWindowListOption::OptionIncludingWindow, window)?;
    // SAFETY: the system's documentation says so: dictionaries, whose keys are strings.
    let list: CFRetained<CFArray<CFDictionary<CFString, CFType>>> =
        unsafe { CFRetained::cast_unchecked(list) };
    // SAFETY: a constant of the system.
    let bounds = list.get(0)?.get(unsafe { kCGWindowBounds })?;
    let bounds = bounds.downcast::<CFDictionary>().ok()?;
    let mut area = CGRect::default();
    // SAFETY: it looks at what the dictionary holds, and writes the rectangle.
    unsafe { CGRectMakeWithDictionaryRepresentation(Some(&bounds), &raw mut area) }.then_some(area)
}

/// Pixels for a point where this area's middle is.
fn scale_at(area: CGRect) -> f64 {
    let middle =
        CGPoint { x: area.origin.x + area.size.width / 2.0, y: area.origin.y + area.size.height / 2.0 };
    let (mut display, mut found) = (0, 0);
    // SAFETY: both pointers are to what lives longer than the call, and there is room for one.
    let asked = unsafe { CGGetDisplaysWithPoint(middle, 1, &raw mut display, &raw mut found) };
    let known = (asked == CGError::Success && found > 0).then(|| scale(display)).flatten();
    known.unwrap_or(1.0)
}

/// Pixels for a point of a screen; `None` once it is unplugged.
fn scale(display: CGDirectDisplayID) -> Option<f64> {
    let mode = CGDisplayCopyDisplayMode(display)?;
    let (pixels, points) = (CGDisplayMode::pixel_width(Some(&mode)), CGDisplayMode::width(Some(&mode)));
    Some(if pixels == 0 || points == 0 { 1.0 } else { pixels as f64 / points as f64 })
}

fn size_px(area: CGRect, scale: f64) -> (u32, u32) {
    // What is negative or no number becomes 0.
    let side = |points: f64| (points * scale).round() as u32;
    (side(area.size.width), side(area.size.height))
}
