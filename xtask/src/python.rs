//! The Python that the foreign peers of the tests run in: an environment of its own in the cache, with
//! exactly the packages that `tests/peers/requirements.txt` names, and the system's GStreamer bindings.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::run;
use crate::workspace::{cache_dir, root};

/// The environment's Python; made first if it is not there or if other packages are asked for now.
pub fn ensure() -> Result<PathBuf> {
    let wanted = root().join("tests/peers/requirements.txt");
    let list = fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let place = cache_dir()?.join("tools").join("python-peers");
    let python = place.join("bin/python");
    let installed = place.join("requirements.txt");
    if python.exists() && fs::read(&installed).is_ok_and(|installed| installed == list) {
        eprintln!("The peers' Python is there.");
        return Ok(python);
    }
    // The system's Python and not the first in the path: only that one has the system's bindings.
    let system = if env::consts::OS == "linux" { "/usr/bin/python3" } else { "python3" };
    let venv = ["-m", "venv", "--clear", "--system-site-packages"];
    run(Command::new(system).args(venv).arg(&place))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
    run(Command::new(&python).args(install).arg("--requirement").arg(&wanted))?;
    // Last: it says that the rest succeeded.
    fs::write(&installed, list).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(python)
}
