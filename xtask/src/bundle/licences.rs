//! The licences of everything that is in the app, as one page for people.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::run;
use crate::tools::{CARGO_ABOUT, ensure as ensure_tool};
use crate::workspace::{root, target_dir};

/// What the page depends on.
const SOURCES: [&str; 3] =
    ["Cargo.lock", "src-tauri/bundle/licences/about.toml", "src-tauri/bundle/licences/about.hbs"];

/// The page; made anew where dependencies are not those that it was made for, which takes some minutes.
pub fn ensure() -> Result<PathBuf> {
    let folder = target_dir()?.join("licences");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (page, made_for) = (folder.join("licences.html"), folder.join("made-for"));
    let mut sources = String::new();
    for source in SOURCES {
        sources +=
            &fs::read_to_string(root().join(source)).with_context(|| format!("cannot read {source}"))?;
    }
    if page.exists() && fs::read_to_string(&made_for).is_ok_and(|old| old == sources) {
        eprintln!("The list is there.");
        return Ok(page);
    }
    let [_, config, template] = SOURCES;
    let mut about = Command::new(ensure_tool(&CARGO_ABOUT)?);
    about.args(["generate", "--locked", "--offline", "--manifest-path", "Cargo.toml", "--config", config]);
    run(about.arg("--output-file").arg(&page).arg(template).current_dir(root()))?;
    // Last: it says that the rest succeeded.
    fs::write(&made_for, sources).with_context(|| format!("cannot write {}", made_for.display()))?;
    Ok(page)
}
