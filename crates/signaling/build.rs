//! Embeds the guest's page: the files of `ui/` that a browser needs, each as it is and compressed once
//! and for all, and a version that is a hash of all of them.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

/// What is not part of the page: tests and declarations are for whoever works on it, the rest is the app's.
const LEFT_OUT: [&str; 16] = [
    "backend/frame.js",
    "backend/tauri.js",
    "mini",
    "style/picker.css",
    "test",
    "types",
    "video/avc.js",
    "video/health.js",
    "video/player.js",
    "video/software.js",
    "video/webcodecs.js",
    "video/webgl.js",
    "view/desktop.js",
    "view/keys.js",
    "view/picker.js",
    "view/words.js",
];

fn main() -> io::Result<()> {
    // Asked when this runs: another checkout with the same target directory may have built this program.
    let directory = |name| std::env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let ui = directory("CARGO_MANIFEST_DIR")?.join("../../ui").canonicalize()?;
    let out = directory("OUT_DIR")?;
    let mut names = Vec::new();
    collect(&ui, "", &mut names)?;
    names.sort();

    let mut version = DefaultHasher::new();
    let mut table = String::new();
    for (number, name) in names.iter().enumerate() {
        let bytes = fs::read(ui.join(name))?;
        (name, &bytes).hash(&mut version);
        let mut hash = DefaultHasher::new();
        bytes.hash(&mut hash);
        let file = |kind: &str| out.join(format!("{number}.{kind}"));
        fs::write(file("raw"), &bytes)?;
        fs::write(file("br"), brotli(&bytes)?)?;
        fs::write(file("gz"), gzip(&bytes)?)?;
        let include = |kind: &str| format!("include_bytes!({:?})", file(kind));
        let _ = writeln!(
            table,
            "    File {{ path: {name:?}, hash: \"{:016x}\", plain: {}, brotli: {}, gzip: {} }},",
            hash.finish(),
            include("raw"),
            include("br"),
            include("gz"),
        );
    }
    let code = format!(
        "static VERSION: &str = \"{:016x}\";\nstatic FILES: &[File] = &[\n{table}];\n",
        version.finish()
    );
    fs::write(out.join("assets.rs"), code)
}

/// The names of the page's files below a directory. Everything that was looked at is watched.
fn collect(ui: &Path, below: &str, names: &mut Vec<String>) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", ui.join(below).display());
    for entry in fs::read_dir(ui.join(below))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        if LEFT_OUT.contains(&&name[..]) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(ui, &name, names)?;
        } else if matches!(name.rsplit_once('.'), Some((_, "html" | "js" | "css" | "svg" | "png" | "woff2")))
        {
            println!("cargo:rerun-if-changed={}", ui.join(&name).display());
            names.push(name);
        }
    }
    Ok(())
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &best)?;
    Ok(compressed)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
