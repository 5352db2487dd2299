//! What screens and windows there are.

use std::mem::size_of;

use maru_media::{ScreenKind, ScreenSource, ScreenSourceId};
use windows::Graphics::Capture::GraphicsCaptureItem;
use windows::Win32::Foundation::{HWND, LPARAM, RECT};
use windows::Win32::Graphics::Dwm::{
    DWMWA_CLOAKED, DWMWA_EXTENDED_FRAME_BOUNDS, DWMWINDOWATTRIBUTE, DwmGetWindowAttribute,
};
use windows::Win32::Graphics::Gdi::{
    EnumDisplayMonitors, GetMonitorInfoW, HDC, HMONITOR, MONITORINFO, MONITORINFOEXW,
};
use windows::Win32::System::WinRT::Graphics::Capture::IGraphicsCaptureItemInterop;
use windows::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GA_ROOT, GWL_EXSTYLE, GetAncestor, GetWindowLongPtrW, GetWindowTextW, IsIconic, IsWindow,
    IsWindowVisible, WS_EX_TOOLWINDOW,
};
use windows::core::{BOOL, Result, factory};

/// More windows than a person would look through.
const MAX_WINDOWS: usize = 40;
/// Smaller ones are parts of a desktop, not what somebody works in.
const MIN_WINDOW_PX: u32 = 48;
/// Longest title, in UTF-16 units.
const MAX_TITLE: usize = 120;
const SCREEN: &str = "screen:";
const WINDOW: &str = "window:";

/// Where a screen or window is.
#[derive(Clone, Copy)]
pub enum Place {
    /// A screen by its handle, which another arrangement of the screens makes void.
    Screen(HMONITOR),
    /// A window by its handle.
    Window(HWND),
}

impl Place {
    /// Whether it is still there.
    pub fn is_there(self) -> bool {
        match self {
            Self::Screen(monitor) => monitor_info(monitor).is_some(),
            // SAFETY: a handle of any value may be asked about.
            Self::Window(window) => unsafe { IsWindow(Some(window)) }.as_bool(),
        }
    }

    /// What the system takes pictures of.
    pub fn item(self) -> Result<GraphicsCaptureItem> {
        let interop = factory::<GraphicsCaptureItem, IGraphicsCaptureItemInterop>()?;
        match self {
            // SAFETY: a handle that is void is answered with an error.
            Self::Screen(monitor) => unsafe { interop.CreateForMonitor(monitor) },
            // SAFETY: as above.
            Self::Window(window) => unsafe { interop.CreateForWindow(window) },
        }
    }
}

/// What there is to share, screens first.
pub fn sources() -> Vec<ScreenSource> {
    let mut sources: Vec<_> = screens().into_iter().map(|(source, _)| source).collect();
    let mut handles: Vec<HWND> = Vec::new();
    let list: *mut Vec<HWND> = &raw mut handles;
    // SAFETY: the callback gets the list back, on this thread, before the call returns. An error means that
    // it did not get to see all of them.
    let _ = unsafe { EnumWindows(Some(add_window), LPARAM(list as isize)) };
    let usual = handles.into_iter().filter(|window| is_usual(*window)).map(described);
    let usual =
        usual.filter(|source| source.width.min(source.height) >= MIN_WINDOW_PX && !source.name.is_empty());
    sources.extend(usual.take(MAX_WINDOWS));
    sources
}

/// The screen or window of this id.
pub fn find(id: &ScreenSourceId) -> Option<(ScreenSource, Place)> {
    let by_number = id.as_str().strip_prefix(WINDOW).and_then(|number| number.parse::<usize>().ok());
    if let Some(number) = by_number {
        // Also one that is not listed any more because it is minimised now.
        let window = HWND(std::ptr::with_exposed_provenance_mut(number));
        let place = Place::Window(window);
        return place.is_there().then(|| (described(window), place));
    }
    screens().into_iter().find(|(source, _)| source.id == *id)
}

fn screens() -> Vec<(ScreenSource, Place)> {
    let mut handles: Vec<HMONITOR> = Vec::new();
    let list: *mut Vec<HMONITOR> = &raw mut handles;
    // SAFETY: the callback gets the list back, on this thread, before the call returns.
    let _ = unsafe { EnumDisplayMonitors(None, None, Some(add_monitor), LPARAM(list as isize)) };
    handles.into_iter().filter_map(screen).collect()
}

fn screen(monitor: HMONITOR) -> Option<(ScreenSource, Place)> {
    let info = monitor_info(monitor)?;
    let device = text(&info.szDevice);
    let place = Place::Screen(monitor);
    // "Display 1" in the person's language; the device is called "\\.\DISPLAY1".
    let known = place.item().and_then(|item| item.DisplayName()).map(|name| name.to_string_lossy());
    let name = known.ok().filter(|name| !name.trim().is_empty());
    let name = name.unwrap_or_else(|| device.trim_start_matches(r"\\.\").to_owned());
    let (width, height) = size(info.monitorInfo.rcMonitor);
    let id = ScreenSourceId::new(format!("{SCREEN}{device}"));
    Some((ScreenSource { id, kind: ScreenKind::Screen, name, width, height }, place))
}

fn monitor_info(monitor: HMONITOR) -> Option<MONITORINFOEXW> {
    let mut info = MONITORINFOEXW::default();
    info.monitorInfo.cbSize = u32::try_from(size_of::<MONITORINFOEXW>()).ok()?;
    // SAFETY: the structure is the larger one of the two that the call fills, as its size says.
    let known = unsafe { GetMonitorInfoW(monitor, (&raw mut info).cast::<MONITORINFO>()) };
    known.as_bool().then_some(info)
}

/// Whether a person would look for it: it is to be seen, and no part of another one or of the desktop.
fn is_usual(window: HWND) -> bool {
    // SAFETY: these take a handle of any value.
    let (seen, style, root) = unsafe {
        let seen = IsWindowVisible(window).as_bool() && !IsIconic(window).as_bool();
        (seen, GetWindowLongPtrW(window, GWL_EXSTYLE), GetAncestor(window, GA_ROOT))
    };
    let is_tool = style & WS_EX_TOOLWINDOW.0 as isize != 0;
    // Apps that sleep, and what is on another desktop.
    let is_cloaked = attribute::<u32>(window, DWMWA_CLOAKED).is_some_and(|cloaked| cloaked != 0);
    seen && !is_tool && !is_cloaked && root == window
}

fn described(window: HWND) -> ScreenSource {
    let mut title = [0; MAX_TITLE];
    // SAFETY: takes a handle of any value; writes no more than the buffer holds.
    unsafe { GetWindowTextW(window, &mut title) };
    // Without the shadow, as its pictures are.
    let (width, height) = size(attribute(window, DWMWA_EXTENDED_FRAME_BOUNDS).unwrap_or_default());
    let id = ScreenSourceId::new(format!("{WINDOW}{}", window.0.expose_provenance()));
    ScreenSource { id, kind: ScreenKind::Window, name: text(&title), width, height }
}

/// What the window manager knows of a window; `T` has to be the attribute's type.
fn attribute<T: Default>(window: HWND, which: DWMWINDOWATTRIBUTE) -> Option<T> {
    let mut value = T::default();
    let size = u32::try_from(size_of::<T>()).ok()?;
    // SAFETY: it writes no more than the size says.
    unsafe { DwmGetWindowAttribute(window, which, (&raw mut value).cast(), size) }.ok()?;
    Some(value)
}

fn size(area: RECT) -> (u32, u32) {
    let side = |from: i32, to: i32| u32::try_from(to.saturating_sub(from)).unwrap_or(0);
    (side(area.left, area.right), side(area.top, area.bottom))
}

/// What stands before the first zero.
fn text(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    let text = String::from_utf16_lossy(&units[..end]);
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

unsafe extern "system" fn add_window(window: HWND, list: LPARAM) -> BOOL {
    // SAFETY: `sources` passes its list, which nobody else uses during the call.
    let list = unsafe { &mut *(list.0 as *mut Vec<HWND>) };
    list.push(window);
    true.into()
}

unsafe extern "system" fn add_monitor(monitor: HMONITOR, _: HDC, _: *mut RECT, list: LPARAM) -> BOOL {
    // SAFETY: `screens` passes its list, which nobody else uses during the call.
    let list = unsafe { &mut *(list.0 as *mut Vec<HMONITOR>) };
    list.push(monitor);
    true.into()
}
