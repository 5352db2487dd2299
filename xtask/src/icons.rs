//! `cargo xtask icons`: the mark in every size that a system asks for, all from `icons/icon.svg`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::packages::{Purpose, ensure};
use crate::process::run;
use crate::tools::tauri;
use crate::workspace::{root, target_dir};

/// Made by Tauri's tool with the sizes that its bundlers expect.
const BUNDLED: [&str; 4] = ["32x32.png", "128x128.png", "icon.icns", "icon.ico"];

/// The other sizes of a Linux desktop's icon theme, which are drawn anew and not made smaller; in pixels.
const SIZES: [u32; 5] = [16, 48, 64, 256, 512];

/// Draws all sizes anew, and puts the mark where the page has it.
pub fn icons() -> Result<()> {
    ensure(&[Purpose::Bundle])?;
    let icons = root().join("icons");
    let mark = icons.join("icon.svg");
    // The tool also makes what only telephones and stores want.
    let drawn = target_dir()?.join("icons");
    fs::create_dir_all(&drawn).with_context(|| format!("cannot make {}", drawn.display()))?;
    run(tauri()?.arg("icon").arg(&mark).arg("--output").arg(&drawn))?;
    let mut sizes = tauri()?;
    sizes.arg("icon").arg(&mark).arg("--output").arg(&drawn);
    for size in SIZES {
        sizes.args(["--png", &size.to_string()]);
    }
    run(&mut sizes)?;
    for name in BUNDLED {
        copy(&drawn.join(name), &icons.join(name))?;
    }
    for size in SIZES {
        let name = format!("{size}x{size}.png");
        copy(&drawn.join(&name), &icons.join(&name))?;
    }
    copy(&mark, &root().join("ui/mark.svg"))?;
    eprintln!("\nDrawn in {}. Look at the smallest one.", icons.display());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
