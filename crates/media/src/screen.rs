//! What sharing needs of screens and windows. The `devices` crate implements it for real and synthetic
//! ones, beside cameras and sound ([`Devices::open_screen`](crate::Devices::open_screen)).

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::device::System;

/// The largest picture of a screen that is encoded: what is larger is scaled down to fit.
pub const SCREEN_MAX_PX: (u32, u32) = (1920, 1080);

/// Most pictures of a screen in a second.
pub const SCREEN_MAX_FPS: u32 = 30;

/// Names a screen or a window for as long as it is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "string", export_to = "media.d.ts")]
pub struct ScreenSourceId(pub String);

impl ScreenSourceId {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScreenSourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What can be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "media.d.ts")]
pub enum ScreenKind {
    /// A whole screen.
    Screen,
    /// One window.
    Window,
    /// Whatever the person picks in the system's own dialog, which opens when it is shared.
    Portal,
}

/// A screen or a window as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "media.d.ts")]
pub struct ScreenSource {
    /// For sharing it.
    pub id: ScreenSourceId,
    /// Which kind.
    pub kind: ScreenKind,
    /// For showing it: a window's title, a screen's name. Empty where only the system knows.
    pub name: String,
    /// Width in pixels; 0 where only the system knows.
    pub width: u32,
    /// Height in pixels; 0 where only the system knows.
    pub height: u32,
}

/// Why nothing is shared, or not any more: each a sentence that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    /// What was chosen is not there.
    #[error("What you chose to share is not there any more. Choose another screen or window.")]
    Unknown,
    /// The window was closed, or the screen unplugged.
    #[error("“{name}” was closed, so it is not shared any more. Choose another screen or window.")]
    Closed {
        /// Its name.
        name: String,
    },
    /// The person decided otherwise in the system's own dialog, or ended the sharing there.
    #[error("The system's dialog was closed without a choice, or sharing was ended there.")]
    Ended,
    /// The system does not allow it.
    #[error("The system does not let Maru see the screen. {}", allow_it(*.system))]
    Denied {
        /// Where.
        system: System,
    },
    /// Nothing can be shared in this session.
    #[error("Screens and windows cannot be shared here: {problem}. {}", make_it_work(*.system))]
    Unsupported {
        /// Where.
        system: System,
        /// What is missing.
        problem: String,
    },
    /// A file that stands in for a screen cannot be used.
    #[error("The file {path} cannot be shared: {problem}.")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Anything else the system said.
    #[error("“{name}” cannot be shared: {problem}.")]
    Failed {
        /// Its name.
        name: String,
        /// What the system said.
        problem: String,
    },
}

fn allow_it(system: System) -> &'static str {
    match system {
        System::Macos => {
            "Switch Maru on in System Settings → Privacy & Security → Screen & System Audio Recording, and start \
             Maru again."
        }
        System::Windows => "Ask whoever looks after this computer, or choose another window.",
        System::Linux => "Allow it in the system's dialog when it asks, or in its settings.",
    }
}

fn make_it_work(system: System) -> &'static str {
    match system {
        System::Linux => {
            "On Wayland, sharing goes through the desktop's portal (xdg-desktop-portal with PipeWire); or log in with a \
             session “on Xorg”."
        }
        System::Macos | System::Windows => "A newer version of the system may help.",
    }
}

/// Called once, from any thread, when what is shared is gone. Must not block.
pub type OnScreenEnded = Box<dyn FnOnce(ScreenError) + Send>;

/// A screen or window whose pictures are taken. Dropping it ends that.
pub trait Screen: Send + Sync {
    /// What it is, as far as it is known by now.
    fn source(&self) -> ScreenSource;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_tell_a_person_what_to_do() {
        let denied = ScreenError::Denied { system: System::Macos }.to_string();
        assert!(denied.contains("System Settings → Privacy & Security → Screen"), "{denied}");
        let unsupported = ScreenError::Unsupported { system: System::Linux, problem: "no portal".into() };
        assert!(unsupported.to_string().contains("On Wayland"), "{unsupported}");
        assert!(ScreenError::Closed { name: "Notes".into() }.to_string().contains("“Notes”"));
    }
}
