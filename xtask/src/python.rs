//! Pythons for what is not written in Rust: environments of their own in the cache, each with exactly the
//! packages that a list in the checkout names.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::run;
use crate::workspace::{cache_dir, root};

/// A Python with some packages.
pub struct Environment {
    /// Its folder in the cache.
    name: &'static str,
    /// The list of its packages.
    requirements: &'static str,
    /// Packages may be built from their source.
    builds: bool,
}

/// What the foreign peers of the tests run in, with the system's GStreamer bindings.
pub const PEERS: Environment =
    Environment { name: "python-peers", requirements: "tests/peers/requirements.txt", builds: false };

/// What scores the benchmarks' sound.
pub const BENCH: Environment =
    Environment { name: "python-bench", requirements: "benches/requirements.txt", builds: true };

/// The environment's Python; made first if it is not there or if other packages are asked for now.
pub fn ensure(environment: &Environment) -> Result<PathBuf> {
    let wanted = root().join(environment.requirements);
    let list = fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    let place = cache_dir()?.join("tools").join(environment.name);
    let python = place.join("bin/python");
    let installed = place.join("requirements.txt");
    if python.exists() && fs::read(&installed).is_ok_and(|installed| installed == list) {
        eprintln!("Python for {} is there.", environment.requirements);
        return Ok(python);
    }
    // The system's Python and not the first in the path: only that one has the system's bindings.
    let system = if env::consts::OS == "linux" { "/usr/bin/python3" } else { "python3" };
    let venv = ["-m", "venv", "--clear", "--system-site-packages"];
    run(Command::new(system).args(venv).arg(&place))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let mut install_all = Command::new(&python);
    install_all.args(install);
    if !environment.builds {
        install_all.arg("--only-binary=:all:");
    }
    run(install_all.arg("--requirement").arg(&wanted))?;
    // Last: it says that the rest succeeded.
    fs::write(&installed, list).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(python)
}
