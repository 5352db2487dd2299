//! One window per person: a second start brings the first window to the front, and hands over its link.

use clap::Parser as _;
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Wry};

use crate::options::Options;
use crate::{links, windows};

/// Gives way to an app that runs already; else is the one that later starts give way to. Where there is no
/// session bus, on Linux, every start has a window of its own.
pub fn plugin() -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::init(|handle, arguments, _directory| started_again(handle, &arguments))
}

/// The link among the arguments of a later start; its other options are those of the first.
fn started_again(handle: &AppHandle, arguments: &[String]) {
    match Options::try_parse_from(arguments).ok().and_then(|options| options.link) {
        Some(link) => links::open(handle, &link),
        None => windows::show(handle),
    }
}
