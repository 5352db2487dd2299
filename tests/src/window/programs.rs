//! Where the programs are that a window test starts. `cargo xtask test` builds them first and says
//! where; under a plain `cargo test` they are built here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The app, as a debug build.
///
/// # Panics
/// When it cannot be built.
pub fn app() -> &'static Path {
    static APP: OnceLock<PathBuf> = OnceLock::new();
    APP.get_or_init(|| {
        if let Some(app) = env::var_os("MARU_APP") {
            return app.into();
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--package", "maru", "--bin", "maru"])
            .current_dir(root)
            .status();
        assert!(built.is_ok_and(|status| status.success()), "the app cannot be built");
        // This program is `<target>/debug/deps/<test>`, and the app `<target>/debug/maru`.
        let this = env::current_exe().expect("this program's path");
        let debug = this.ancestors().nth(2).expect("this program is below the target directory");
        debug.join("maru")
    })
}

/// What turns WebDriver for Tauri apps into WebDriver for WebKitGTK.
pub fn tauri_driver() -> PathBuf {
    env::var_os("MARU_TAURI_DRIVER").unwrap_or_else(|| "tauri-driver".into()).into()
}
