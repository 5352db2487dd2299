//! Maru's chores, as `cargo xtask …`. The first thing a new user builds: small, two dependencies.
//!
//! It refuses to know how Maru works: it installs what a machine lacks, then calls cargo and the
//! programs that come out of it.

mod bench;
mod bundle;
mod camera;
mod deny;
mod guest;
mod icons;
mod packages;
mod process;
mod python;
mod run;
mod screenshots;
mod steps;
mod targets;
mod test;
mod tools;
mod workflows;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Maru's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Options {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install what is missing, build, and start the app; without a display, run the demo instead.
    Run {
        /// A debug build: built faster, runs slower.
        #[arg(long)]
        debug: bool,
        /// What to pass on to the app.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Install what is missing, then check and test everything.
    Test,
    /// Test cameras that the kernel makes, in an emulated guest; takes minutes.
    TestCamera,
    /// Measure, with release builds, and print tables.
    Bench {
        /// What to measure.
        what: bench::Bench,
        /// Only these parts of it (`voice`: echo, cpu, mouth, loss; `server`: memory, forward, join).
        parts: Vec<String>,
    },
    /// Check formatting, lints and the UI's types, without running tests.
    Lint,
    /// Check the workflows in `.github`, and that each action is pinned by its commit.
    LintWorkflows,
    /// Format the Rust code.
    Fmt,
    /// Write the UI's type declarations and the manual page anew from the Rust types.
    Types,
    /// Build what people install, and say what was made.
    Bundle {
        /// The profile of the program inside: `dist` is shipped; `release` is built faster and runs as well.
        #[arg(long, default_value = "dist")]
        profile: String,
        /// Another target than this machine, such as `universal-apple-darwin`.
        #[arg(long)]
        target: Option<String>,
        /// Install the `.deb` into a small Debian of its own, start it there and make a call (root, Debian).
        #[arg(long = "try", conflicts_with_all = ["target", "kinds"])]
        trial: bool,
        /// Kinds of bundles (`deb`, `rpm`, `appimage`, `dmg`, `msi`, `nsis`), or `server` for its archive, instead of this system's usual ones.
        kinds: Vec<String>,
    },
    /// Type-check everything for Windows and macOS, from Debian.
    CheckTargets {
        /// Link the programs for Windows too.
        #[arg(long)]
        link: bool,
        /// Make a call between them under Wine.
        #[arg(long)]
        wine: bool,
        /// Make an installer of them; install, use and remove it under Wine.
        #[arg(long)]
        msi: bool,
    },
    /// Take the pictures of every screen in `docs/screens` anew.
    Screenshots,
    /// Draw the icons of every size anew from the mark, `icons/icon.svg`.
    Icons,
    /// Check licences, banned crates and sources of all dependencies.
    Deny {
        /// Also check for known vulnerabilities; needs the advisory database, which is on GitHub.
        #[arg(long)]
        advisories: bool,
    },
}

fn main() -> ExitCode {
    let done = match Options::parse().chore {
        Chore::Run { debug, arguments } => run::run(debug, &arguments),
        Chore::Test => test::test(),
        Chore::TestCamera => camera::test_camera(),
        Chore::Bench { what, parts } => bench::bench(what, &parts),
        Chore::Lint => test::lint(),
        Chore::LintWorkflows => workflows::lint_workflows(),
        Chore::Fmt => test::format(),
        Chore::Types => test::write_types(),
        Chore::Bundle { profile, trial: true, .. } => bundle::trial(&profile),
        Chore::Bundle { profile, target, kinds, .. } => {
            let wanted = bundle::Wanted { profile: &profile, target: target.as_deref(), kinds: &kinds };
            bundle::bundle(&wanted).map(drop)
        }
        Chore::CheckTargets { link, wine, msi } => {
            targets::check_targets(targets::Wanted { link, wine, msi })
        }
        Chore::Screenshots => screenshots::screenshots(),
        Chore::Icons => icons::icons(),
        Chore::Deny { advisories } => deny::deny(advisories),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nFailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
