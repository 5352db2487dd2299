//! `cargo xtask screenshots`: pictures of every screen, for the docs.

use anyhow::Result;

use crate::packages::{Purpose, ensure};
use crate::process::run;
use crate::steps::Steps;
use crate::tools::{self, TAURI_DRIVER};
use crate::workspace::{cargo, program};

/// Installs, builds, and has the test that reaches every screen take pictures into `docs/screens`.
pub fn screenshots() -> Result<()> {
    let mut steps = Steps::new(3);
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Engine, Purpose::App, Purpose::Test, Purpose::Browsers])?;
    let driver = tools::ensure(&TAURI_DRIVER)?;
    steps.begin("Building the programs");
    run(&mut cargo(&["build", "--workspace", "--bins"])?)?;
    steps.begin("Taking pictures, which takes some minutes");
    let mut test = cargo(&["test", "--workspace", "--features", "maru-tests/browsers", "--test", "screens"])?;
    test.args(["--", "--ignored", "--nocapture", "pictures_of_every_screen"]);
    test.env("MARU_APP", program("debug", "maru")?).env("MARU_CLI", program("debug", "maru-cli")?);
    run(test.env("MARU_TAURI_DRIVER", driver))
}
