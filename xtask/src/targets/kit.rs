//! A Rust for other systems than this one, without nightly and without rustup's archive: Debian's compiler, unpacked
//! and not installed, with a standard library built from Debian's package of its source; mingw as C compiler and
//! linker for Windows, zig as C compiler for macOS. Kept beside Maru's own cache, where other projects find it too.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Target;
use crate::packages::{install_debian, update_lists};
use crate::process::{output, run};
use crate::workspace::{cache_dir, root, target_dir};

/// The C compiler for macOS; Debian has none.
const ZIG: &str = "ziglang==0.17.0";

/// What is unpacked of Debian's Rust, beside the standard library for this machine.
const PACKAGES: [&str; 5] =
    ["rustc-web", "cargo-web", "rust-web-src", "libstd-rust-web-dev", "rust-web-clippy"];

/// zig, called as a C compiler is called for macOS: without what only Apple's own takes.
const WRAPPER: &str = r#"#!/bin/sh
skip=
for word do
    shift
    if [ -n "$skip" ]; then skip=; continue; fi
    case $word in
        # A question to a compiler that has libraries: zig would compile nothing into a file of its own.
        -print-file-name=*) exit 1 ;;
        # Objective-C wants Apple's headers: left out, which type-checking does not notice.
        *.m | *.mm) set -- "$@" -x c /dev/null ;;
        -fobjc-* | -fmodules) ;;
        -arch | -isysroot) skip=1 ;;
        --target=* | -mmacosx-version-min=* | -isysroot?*) ;;
        *) set -- "$@" "$word" ;;
    esac
done
"#;

/// The folder with all of it.
pub struct Kit {
    root: PathBuf,
}

impl Kit {
    /// Makes what is not there yet; the first time takes some minutes and 1 GB.
    pub fn ensure(targets: &[Target]) -> Result<Self> {
        let beside = cache_dir()?;
        let root = beside.parent().context("there is no cache directory")?.join("check-targets");
        fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
        // One at a time: whoever comes second finds it done.
        let lock = File::create(root.join("lock"))?;
        lock.lock()?;
        let kit = Self { root };
        kit.rust()?;
        kit.zig()?;
        kit.headers()?;
        for target in targets {
            kit.standard_library(target.triple())?;
        }
        Ok(kit)
    }

    /// The kit's cargo, in the checkout, building for this target.
    pub fn cargo(&self, arguments: &[&str], target: Target) -> Result<Command> {
        let mut cargo = self.bare_cargo();
        cargo.args(arguments).args(["--target", target.triple()]).current_dir(root());
        // Built by another compiler than everything else: in a place of its own, without what only debuggers read.
        cargo.env("CARGO_TARGET_DIR", foreign_dir()?).env("CARGO_PROFILE_DEV_DEBUG", "false");
        let name = target.triple().replace('-', "_");
        let tool = |kind: &str| match target {
            Target::Windows if kind == "ar" => PathBuf::from("x86_64-w64-mingw32-ar"),
            Target::Windows if kind == "cxx" => PathBuf::from("x86_64-w64-mingw32-g++-posix"),
            Target::Windows => PathBuf::from("x86_64-w64-mingw32-gcc-posix"),
            Target::MacOs => self.wrapper(kind),
        };
        for kind in ["cc", "cxx", "ar"] {
            cargo.env(format!("{}_{name}", kind.to_uppercase()), tool(kind));
        }
        if target == Target::Windows {
            cargo.env(format!("CARGO_TARGET_{}_LINKER", name.to_uppercase()), tool("cc"));
        }
        // No SDK of Apple's is there; named, so that nobody asks its tools where it is.
        cargo.env("SDKROOT", self.root.join("maru"));
        // libvpx' headers are the same everywhere; there is no library to link with.
        cargo.env("PKG_CONFIG_ALLOW_CROSS", "1");
        cargo.env(format!("PKG_CONFIG_LIBDIR_{name}"), self.root.join("maru/pkgconfig"));
        Ok(cargo)
    }

    fn bare_cargo(&self) -> Command {
        let usr = self.usr();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut cargo = Command::new(usr.join("bin/cargo"));
        cargo.env("PATH", format!("{}:{path}", usr.join("bin").display()));
        cargo.env("LD_LIBRARY_PATH", usr.join("lib/x86_64-linux-gnu"));
        cargo.env("CARGO_INCREMENTAL", "0");
        // What the cargo that runs this chore tells its children is about another compiler.
        for name in
            ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTC_BOOTSTRAP", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"]
        {
            cargo.env_remove(name);
        }
        cargo
    }

    fn usr(&self) -> PathBuf {
        self.root.join("rust/usr")
    }

    fn wrapper(&self, kind: &str) -> PathBuf {
        self.root.join("maru").join(kind)
    }

    /// Debian's Rust, all packages of one version.
    fn rust(&self) -> Result<()> {
        let (place, done) = (self.root.join("rust"), self.root.join("rust/.done"));
        if done.exists() {
            return Ok(());
        }
        eprintln!("Unpacking Debian's Rust");
        update_lists()?;
        let policy = output(Command::new("apt-cache").args(["policy", "rustc-web"]))?;
        let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        let Some(version) = version.filter(|version| *version != "(none)") else {
            bail!("this system has no package rustc-web: the kit is made of Debian 12's packages");
        };
        let of_version = |name: &str| format!("{name}={version}");
        let library = output(Command::new("apt-cache").args(["show", &of_version("libstd-rust-web-dev")]))?;
        let library = depends(&library).find(|name| name.starts_with("libstd-rust-web-"));
        let library = library.context("the standard library's package is not named")?;
        let needs =
            output(Command::new("apt-cache").args(["show", &of_version(library), &of_version("cargo-web")]))?;
        let needs: Vec<&str> = depends(&needs)
            .filter(|name| name.starts_with("lib") && !name.starts_with("libstd-rust"))
            .collect();
        install_debian(&needs)?;
        let packages = self.root.join("debs");
        for folder in [&place, &packages] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
            fs::create_dir_all(folder)?;
        }
        let mut download = Command::new("apt-get");
        download.args(["-q", "-o", "APT::Sandbox::User=root", "download"]).current_dir(&packages);
        run(download.args(PACKAGES.iter().copied().chain([library]).map(of_version)))?;
        for package in fs::read_dir(&packages)? {
            run(Command::new("dpkg").arg("-x").arg(package?.path()).arg(&place))?;
        }
        fs::remove_dir_all(&packages)?;
        // Of the source only the standard library's: the rest is ten times as much.
        let mut rest = Command::new("find");
        rest.arg(self.usr().join("src")).args(["-mindepth", "2", "-maxdepth", "2", "!", "-name", "library"]);
        run(rest.args(["-exec", "rm", "-rf", "{}", "+"]))?;
        File::create(done)?;
        Ok(())
    }

    /// zig and its wrappers.
    fn zig(&self) -> Result<()> {
        let zig = self.root.join("zig/ziglang/zig");
        if !zig.exists() {
            eprintln!("Installing zig");
            let mut pip = Command::new("python3");
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--target",
            ]);
            run(pip.arg(self.root.join("zig")).arg(ZIG))?;
        }
        fs::create_dir_all(self.root.join("maru"))?;
        let cache = self.root.join("zig-cache");
        let export = format!("export ZIG_GLOBAL_CACHE_DIR='{}'\n", cache.display());
        for (kind, rest) in
            [("cc", "cc -target aarch64-macos"), ("cxx", "c++ -target aarch64-macos"), ("ar", "ar")]
        {
            write_program(
                &self.wrapper(kind),
                &format!("{WRAPPER}{export}exec '{}' {rest} \"$@\"\n", zig.display()),
            )?;
        }
        Ok(())
    }

    /// libvpx' headers, and a word to pkg-config of where they are.
    fn headers(&self) -> Result<()> {
        let place = self.root.join("maru");
        let version = output(Command::new("pkg-config").args(["--modversion", "vpx"]))?;
        let from = output(Command::new("pkg-config").args(["--variable=includedir", "vpx"]))?;
        let from = Path::new(match from.trim() {
            "" => "/usr/include",
            from => from,
        })
        .join("vpx");
        let to = place.join("include/vpx");
        fs::create_dir_all(&to)?;
        fs::create_dir_all(place.join("pkgconfig"))?;
        for header in fs::read_dir(&from).with_context(|| format!("there is no {}", from.display()))? {
            let header = header?;
            fs::copy(header.path(), to.join(header.file_name()))?;
        }
        let include = place.join("include");
        let words = format!(
            "Name: vpx\nDescription: headers\nVersion: {}\nCflags: -I{}\n",
            version.trim(),
            include.display()
        );
        fs::write(place.join("pkgconfig/vpx.pc"), words)?;
        Ok(())
    }

    /// The standard library for one target, built from its source into the compiler's own place for it.
    fn standard_library(&self, triple: &str) -> Result<()> {
        let rustlib = self.usr().join("lib/rustlib");
        let library = rustlib.join(triple).join("lib");
        if library.join(".done").exists() {
            return Ok(());
        }
        eprintln!("Building the standard library for {triple}");
        let work = self.root.join("stdbuild");
        for folder in [&work, &library] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
            fs::create_dir_all(folder)?;
        }
        fs::create_dir_all(work.join("src"))?;
        fs::write(work.join("src/lib.rs"), "#![no_std]\n")?;
        let manifest =
            "[package]\nname = \"stdbuild\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n";
        fs::write(work.join("Cargo.toml"), manifest)?;
        let mut build = self.bare_cargo();
        build.args(["build", "--quiet", "--release", "--target", triple]);
        build.arg("-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test");
        build.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", work.join("target")).current_dir(&work);
        run(&mut build)?;
        for file in fs::read_dir(work.join("target").join(triple).join("release/deps"))? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && !name.starts_with("libstdbuild") {
                fs::copy(file.path(), library.join(name))?;
            }
        }
        if triple.ends_with("windows-gnu") {
            for object in ["rsbegin", "rsend"] {
                let source = rustlib.join(format!("src/rust/library/rtstartup/{object}.rs"));
                let mut compile = Command::new(self.usr().join("bin/rustc"));
                compile
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("LD_LIBRARY_PATH", self.usr().join("lib/x86_64-linux-gnu"));
                compile.args(["--target", triple, "--emit=obj", "-o"]);
                run(compile.arg(library.join(format!("{object}.o"))).arg(source))?;
            }
        }
        fs::remove_dir_all(&work)?;
        File::create(library.join(".done"))?;
        Ok(())
    }
}

/// Where foreign programs are built.
pub fn foreign_dir() -> Result<PathBuf> {
    Ok(target_dir()?.join("foreign"))
}

/// The names in all `Depends:` fields of what `apt-cache show` prints, without versions; of alternatives the first.
fn depends(shown: &str) -> impl Iterator<Item = &str> {
    let fields = shown.lines().filter_map(|line| line.strip_prefix("Depends: "));
    fields.flat_map(|field| field.split(',')).filter_map(|entry| entry.split_whitespace().next())
}

fn write_program(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    run(Command::new("chmod").arg("+x").arg(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_what_apt_shows() {
        let shown =
            "Package: cargo-web\nDepends: libc6 (>= 2.34), libgit2-1.9 | libgit2-1.8, gcc\nSection: web\n";
        assert_eq!(depends(shown).collect::<Vec<_>>(), ["libc6", "libgit2-1.9", "gcc"]);
    }
}
