//! The desktop app's entry: everything is in the library, so that tests can reach it.

// A release build on Windows is a window, without a console beside it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    maru_app::run()
}
