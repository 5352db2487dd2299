//! Where the programs are that tests start. `cargo xtask test` builds the app first and says where; under
//! a plain `cargo test` programs are built here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The app.
///
/// # Panics
/// When it cannot be built.
pub fn app() -> &'static Path {
    static APP: OnceLock<PathBuf> = OnceLock::new();
    APP.get_or_init(|| given_or_built("MARU_APP", "maru", "maru"))
}

/// The program for the terminal.
///
/// # Panics
/// When it cannot be built.
pub fn cli() -> &'static Path {
    static CLI: OnceLock<PathBuf> = OnceLock::new();
    CLI.get_or_init(|| given_or_built("MARU_CLI", "maru-cli", "maru-cli"))
}

/// The server.
///
/// # Panics
/// When it cannot be built.
pub fn server() -> &'static Path {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| given_or_built("MARU_SERVER_PROGRAM", "maru-signaling", "maru-server"))
}

/// The program that this variable names, else one that is built here.
fn given_or_built(variable: &str, package: &str, program: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| build(package, program), PathBuf::from)
}

/// Where this package is. Asked when the tests run: checkouts may share what is built.
pub(crate) fn directory() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}

/// Builds a program in the profile that this test was built in.
fn build(package: &str, program: &str) -> PathBuf {
    let directory = directory();
    let root = directory.parent().expect("the workspace");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // This program is `<target>/<profile>/deps/<test>`, and the other one `<target>/<profile>/<program>`.
    let this = env::current_exe().expect("this program's path");
    let profile = this.ancestors().nth(2).expect("this program is below the target directory");
    let mut build = Command::new(cargo);
    build.args(["build", "--package", package, "--bin", program]).current_dir(root);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().is_ok_and(|status| status.success()), "{program} cannot be built");
    profile.join(program)
}

/// What turns WebDriver for Tauri apps into WebDriver for WebKitGTK.
pub fn tauri_driver() -> PathBuf {
    env::var_os("MARU_TAURI_DRIVER").unwrap_or_else(|| "tauri-driver".into()).into()
}
