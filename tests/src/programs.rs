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
    APP.get_or_init(|| env::var_os("MARU_APP").map_or_else(|| build("maru", "maru"), PathBuf::from))
}

/// The program for the terminal.
///
/// # Panics
/// When it cannot be built.
pub fn cli() -> &'static Path {
    static CLI: OnceLock<PathBuf> = OnceLock::new();
    CLI.get_or_init(|| env::var_os("MARU_CLI").map_or_else(|| build("maru-cli", "maru-cli"), PathBuf::from))
}

/// The server.
///
/// # Panics
/// When it cannot be built.
pub fn server() -> &'static Path {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| {
        env::var_os("MARU_SERVER").map_or_else(|| build("maru-signaling", "maru-server"), PathBuf::from)
    })
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
