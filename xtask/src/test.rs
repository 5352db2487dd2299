//! `cargo xtask test` and its parts.

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::packages::{Purpose, ensure, has_browsers};
use crate::process::{run, run_reading};
use crate::python;
use crate::steps::Steps;
use crate::tools::{self, AXE, TAURI_DRIVER, ensure_component};
use crate::workflows;
use crate::workspace::{cargo, program, root};

/// Installs what is missing, then checks and tests everything.
pub fn test() -> Result<()> {
    let mut steps = Steps::new(10);
    steps.begin("Looking for what has to be installed");
    let browsers = has_browsers();
    ensure(&[Purpose::Engine, Purpose::App, Purpose::Test])?;
    if browsers {
        ensure(&[Purpose::Browsers])?;
    } else {
        eprintln!(
            "This system has no packages of Chromium and Firefox ESR: the tests with browsers are left out."
        );
    }
    ensure_component("rustfmt", "fmt")?;
    ensure_component("clippy", "clippy")?;
    steps.begin("Looking for what the browser tests use");
    let driver = tools::ensure(&TAURI_DRIVER)?;
    let axe = browsers.then(|| tools::ensure_script(&AXE)).transpose()?;

    steps.begin("Looking for the peers' Python");
    let python = python::ensure(&python::PEERS)?;

    steps.begin("Checking the format");
    run(&mut cargo(&["fmt", "--all", "--check"])?)?;
    steps.begin("Checking the workflows");
    workflows::check()?;
    steps.begin("Checking the UI's types");
    run(&mut tsc())?;
    steps.begin("Linting");
    run(&mut clippy()?)?;

    let mut count = Count::default();
    steps.begin("Testing the UI");
    let ui_passed = run_reading(&mut node_test()?, |line| count.node(line))?;
    steps.begin("Building the app for the window's tests");
    run(&mut cargo(&["build", "--package", "maru", "--bin", "maru"])?)?;
    steps.begin("Testing");
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"])?;
    tests.env("MARU_APP", program("debug", "maru")?);
    // Built with the tests, since both have tests of their own as programs.
    tests.env("MARU_CLI", program("debug", "maru-cli")?);
    tests.env("MARU_SERVER_PROGRAM", program("debug", "maru-server")?);
    tests.env("MARU_TAURI_DRIVER", driver);
    tests.envs(axe.map(|axe| ("MARU_AXE", axe)));
    tests.env("MARU_PYTHON", python);
    if browsers {
        tests.args(["--features", "maru-tests/browsers"]);
    }
    let passed = run_reading(&mut tests, |line| count.cargo(line))?;

    eprintln!();
    println!("{count}");
    if !ui_passed || !passed || count.failed > 0 {
        bail!("tests failed after {}; the output above says which", steps.elapsed());
    }
    eprintln!("All checks and tests passed in {}.", steps.elapsed());
    Ok(())
}

/// As [`bench_figures`], with browsers.
pub fn bench_with_browsers(test: &str, part: &str) -> Result<()> {
    ensure(&[Purpose::Engine, Purpose::Test, Purpose::Browsers])?;
    let mut bench = cargo(&["test", "--release", "--package", "maru-tests", "--features", "browsers"])?;
    run(bench.args(["--test", test, "--", "--ignored", "--nocapture", "--test-threads", "1", part]))
}

/// Measures what one of the tests knows figures of, or one part of it; those on networks of their own need root.
pub fn bench_figures(test: &str, part: &str) -> Result<()> {
    ensure(&[Purpose::Engine, Purpose::Test])?;
    let mut bench = cargo(&["test", "--release", "--package", "maru-tests"])?;
    run(bench.args(["--test", test, "--", "--ignored", "--nocapture", "--test-threads", "1", part]))
}

/// Measures what one of the tests of the window knows figures of.
pub fn bench_window(test: &str) -> Result<()> {
    ensure(&[Purpose::Engine, Purpose::App, Purpose::Test])?;
    let driver = tools::ensure(&TAURI_DRIVER)?;
    run(&mut cargo(&["build", "--release", "--package", "maru", "--bin", "maru"])?)?;
    let mut bench = cargo(&["test", "--release", "--package", "maru-tests"])?;
    bench.env("MARU_APP", program("release", "maru")?).env("MARU_TAURI_DRIVER", driver);
    run(bench.args(["--test", test, "--", "--ignored", "--nocapture", "--test-threads", "1"]))
}

/// Everything that `test` checks without running code.
pub fn lint() -> Result<()> {
    let mut steps = Steps::new(5);
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Engine, Purpose::App, Purpose::Test])?;
    ensure_component("rustfmt", "fmt")?;
    ensure_component("clippy", "clippy")?;
    steps.begin("Checking the format");
    run(&mut cargo(&["fmt", "--all", "--check"])?)?;
    steps.begin("Checking the workflows");
    workflows::check()?;
    steps.begin("Checking the UI's types");
    run(&mut tsc())?;
    steps.begin("Linting");
    run(&mut clippy()?)?;
    eprintln!("\nNothing to complain about ({}).", steps.elapsed());
    Ok(())
}

/// Formats the Rust code.
pub fn format() -> Result<()> {
    ensure_component("rustfmt", "fmt")?;
    run(&mut cargo(&["fmt", "--all"])?)
}

/// Writes `ui/types/` and the manual page anew. The tests that check these files also write them, so that there
/// is one generator of each.
pub fn write_types() -> Result<()> {
    ensure(&[Purpose::Engine, Purpose::App])?;
    run(cargo(&["test", "--quiet", "--package", "maru", "--lib", "--", "types::", "manual::"])?
        .env("MARU_WRITE_TYPES", "1"))
}

fn clippy() -> Result<Command> {
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "maru-tests/browsers",
        "--",
        "-D",
        "warnings",
    ])
}

fn tsc() -> Command {
    let mut tsc = Command::new(if env::consts::OS == "windows" { "tsc.cmd" } else { "tsc" });
    tsc.args(["--noEmit", "--project", "ui/jsconfig.json"]).current_dir(root());
    tsc
}

fn node_test() -> Result<Command> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(root().join("ui/test"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("there are no tests of the UI in ui/test");
    }
    let mut node = Command::new("node");
    // Named one by one: what `--test` makes of a directory differs between versions.
    node.args(["--test", "--test-reporter=tap"]).args(files).current_dir(root());
    Ok(node)
}

/// Tests counted from what the runners print.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// What went well.
    pub passed: u32,
    /// What did not.
    pub failed: u32,
    ignored: u32,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.ignored)
    }
}

impl Count {
    /// A line such as `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; …`.
    pub fn cargo(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let Some((_, counts)) = result.split_once(". ") else { return };
        for part in counts.split("; ") {
            if let Some((Ok(number), what)) =
                part.split_once(' ').map(|(number, what)| (number.parse(), what))
            {
                self.add(number, what);
            }
        }
    }

    /// A line such as `# pass 12`.
    fn node(&mut self, line: &str) {
        if let Some((what, number)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(' '))
            && let Ok(number) = number.parse()
        {
            self.add(number, what);
        }
    }

    fn add(&mut self, number: u32, what: &str) {
        match what {
            "passed" | "pass" => self.passed += number,
            "failed" | "fail" => self.failed += number,
            "ignored" | "skipped" => self.ignored += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_both_runners_are_counted() {
        let mut count = Count::default();
        count.cargo("running 3 tests");
        count.cargo(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s",
        );
        count.cargo("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        count.node("# tests 7");
        count.node("# pass 6");
        count.node("# fail 1");
        assert_eq!(count, Count { passed: 20, failed: 4, ignored: 1 });
    }
}
