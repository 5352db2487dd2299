//! `cargo xtask deny`: licences, banned crates and sources of all dependencies. By hand and in the
//! workflow, not part of `test`: building the tool takes minutes.

use std::process::Command;

use anyhow::Result;

use crate::process::run;
use crate::steps::Steps;
use crate::tools::{CARGO_DENY, ensure};
use crate::workspace::root;

/// Checks dependencies against `deny.toml`.
pub fn deny(advisories: bool) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.begin("Looking for cargo-deny (the first time it is built, which takes some minutes)");
    let program = ensure(&CARGO_DENY)?;
    steps.begin("Checking the dependencies");
    let mut check = Command::new(program);
    check.args(["--workspace", "check"]).current_dir(root());
    if advisories {
        check.arg("advisories");
    }
    run(check.args(["licenses", "bans", "sources"]))?;
    eprintln!("\nDependencies are in order ({}).", steps.elapsed());
    Ok(())
}
