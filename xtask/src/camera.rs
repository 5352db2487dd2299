//! `cargo xtask test-camera`: real cameras, as far as programs can tell them apart. The kernel's `vivid`
//! driver makes them, in a guest, since loading a driver is nothing to do to somebody's machine. By hand
//! and before a release, not part of `test`: an emulated guest takes minutes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::guest::{self, Guest, MODULES};
use crate::packages::{self, Purpose, ensure};
use crate::process::{output, run};
use crate::steps::Steps;
use crate::test::Count;
use crate::workspace::{cargo, target_dir};

/// Emulated on a small machine it takes a quarter of this.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Two cameras. The first one has a second node, for metadata, as many USB cameras do.
const LOAD: &str = r#"
for module in MODULES/*; do
    case "$module" in
        *-vivid.ko*) insmod "$module" n_devs=2 node_types=0x20001,0x1 num_inputs=1,1 input_types=0,0 ;;
        *) insmod "$module" ;;
    esac
done
"#;

/// Gives the cameras names that last, as the rules of a desktop do by a USB camera's serial number.
const NAMES: &str = r#"SUBSYSTEM=="video4linux", ATTR{name}=="vivid-*-vid-cap", SYMLINK+="v4l/by-id/$attr{name}"
"#;

/// Both programs run, also when the first one fails. One test at a time: they share the cameras.
const START: &str = "
failed=0
/formats --ignored --test-threads=1 camera::source:: || failed=1
/camera --ignored --test-threads=1 || failed=1
exit $failed
";

/// Builds the tests, boots a guest with cameras, and runs them there.
pub fn test_camera() -> Result<()> {
    if env::consts::ARCH != "x86_64" || !packages::has_apt() {
        bail!(
            "this test takes the guest's kernel from the packages of Debian or Ubuntu for x86-64: run it there; \
             a container will do"
        );
    }
    let mut steps = Steps::new(4);
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Engine, Purpose::Guest])?;
    steps.begin("Looking for the guest's kernel");
    let kernel = guest::ensure_kernel("vivid")?;
    steps.begin("Building the tests");
    let place = target_dir()?.join("test-camera");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let programs = build(&place)?;
    steps.begin("Running them in a guest with two cameras");
    let files = place.join("files");
    let guest = Guest {
        kernel: &kernel,
        programs: &programs,
        files: &[("/etc/udev/rules.d/60-cameras.rules", NAMES)],
        load: &LOAD.replace("MODULES", MODULES),
        start: START,
    };
    guest.write(&files)?;
    let mut count = Count::default();
    let ended = guest::boot(&kernel, &files, LIMIT, |line| count.cargo(line));
    eprintln!();
    println!("{count}");
    ended?;
    if count.failed > 0 || count.passed == 0 {
        bail!("the output above says what went wrong");
    }
    eprintln!("Cameras work ({}).", steps.elapsed());
    Ok(())
}

/// The test programs: what cargo calls their files, and where they are in the guest.
const PROGRAMS: [(&str, &str); 2] = [("maru_devices", "/formats"), ("camera", "/camera")];

/// Builds the test programs and copies them, without what only debuggers read.
fn build(place: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
    let mut build = cargo(&["test", "--package", "maru-devices", "--lib", "--test", "camera", "--no-run"])?;
    let messages = output(build.arg("--message-format=json-render-diagnostics"))?;
    let mut programs = Vec::new();
    for (name, path) in PROGRAMS {
        let program = messages.lines().find_map(|message| executable(message, name));
        let program = program.with_context(|| format!("cargo built no test program {name}"))?;
        let copy = place.join(name);
        run(Command::new("strip").arg("--strip-debug").arg("-o").arg(&copy).arg(program))?;
        programs.push((copy, path));
    }
    Ok(programs)
}

/// The program of this name, if one of cargo's messages is about it.
fn executable<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once("\"executable\":\"")?;
    let (path, _) = rest.split_once('"')?;
    // Cargo adds a dash and a hash.
    let file = path.rsplit('/').next()?;
    file.strip_prefix(name)?.starts_with('-').then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_cargos_messages() {
        let library = r#"{"reason":"compiler-artifact","executable":null,"fresh":true}"#;
        let test = r#"{"reason":"compiler-artifact","executable":"/target/deps/camera-1f","fresh":true}"#;
        assert_eq!(executable(library, "camera"), None);
        assert_eq!(executable(test, "camera"), Some("/target/deps/camera-1f"));
        assert_eq!(executable(test, "cam"), None);
    }
}
