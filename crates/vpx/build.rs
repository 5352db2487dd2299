//! Finds the system's libvpx and builds the shim against its real headers, so that the library's own
//! version numbers and structures are those of the machine that builds.

use std::env;
use std::path::PathBuf;
use std::process::{Command, exit};

/// The oldest that is tried: Debian 12's.
const OLDEST: &str = "1.12.0";

fn main() {
    println!("cargo:rerun-if-changed=src/shim.c");
    println!("cargo:rerun-if-changed=src/shim.h");
    match env::var("CARGO_CFG_TARGET_ENV").as_deref() {
        Ok("msvc") => microsoft(),
        _ => elsewhere(),
    }
}

/// Windows has no place for libraries: vcpkg keeps them, linked statically.
fn microsoft() {
    match vcpkg::Config::new().cargo_metadata(false).find_package("libvpx") {
        Ok(library) => {
            compile(&library.include_paths);
            for line in &library.cargo_metadata {
                println!("{line}");
            }
        }
        Err(error) => missing(&error.to_string()),
    }
}

fn elsewhere() {
    let mut config = pkg_config::Config::new();
    match config.atleast_version(OLDEST).cargo_metadata(false).probe("vpx") {
        Ok(library) => {
            compile(&library.include_paths);
            link(&library);
        }
        Err(error) => missing(&error.to_string()),
    }
}

fn compile(include_paths: &[PathBuf]) {
    cc::Build::new().file("src/shim.c").includes(include_paths).compile("maru_vpx_shim");
}

/// With the archive where there is one: its shared form has another name in each release of a system,
/// and a bundle would run on one only.
fn link(library: &pkg_config::Library) {
    let archive = library
        .link_paths
        .iter()
        .map(|directory| directory.join("libvpx.a"))
        .find(|path| path.exists())
        .or_else(compilers_archive);
    match archive.as_deref().and_then(|path| path.parent()) {
        Some(directory) => {
            println!("cargo:rustc-link-search=native={}", directory.display());
            println!("cargo:rustc-link-lib=static=vpx");
            if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
                println!("cargo:rustc-link-lib=m");
                println!("cargo:rustc-link-lib=pthread");
            }
        }
        None => {
            for directory in &library.link_paths {
                println!("cargo:rustc-link-search=native={}", directory.display());
            }
            println!("cargo:rustc-link-lib=vpx");
        }
    }
}

/// Debian's `vpx.pc` does not say where the library is: the compiler knows.
fn compilers_archive() -> Option<PathBuf> {
    let compiler = cc::Build::new().try_get_compiler().ok()?;
    let output = Command::new(compiler.path()).arg("-print-file-name=libvpx.a").output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    (path.is_absolute() && path.exists()).then_some(path)
}

fn missing(problem: &str) -> ! {
    eprintln!(
        "libvpx {OLDEST} or newer, which encodes and decodes VP8, was not found. Install it:\n\
         \n    Debian, Ubuntu   apt install libvpx-dev\
         \n    Fedora           dnf install libvpx-devel\
         \n    Arch             pacman -S libvpx\
         \n    macOS            brew install libvpx pkgconf\
         \n    Windows          vcpkg install libvpx:x64-windows-static-md\
         \n\nOr build without VP8: --no-default-features.\n\n{problem}"
    );
    exit(1);
}
