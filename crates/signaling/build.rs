//! Embeds the guest's page: the files of `ui/` that a browser needs, each as it is and compressed once
//! and for all, and a version that is a hash of all of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

/// What is not part of the page: tests and declarations are for whoever works on it, the rest is the app's.
const LEFT_OUT: [&str; 17] = [
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
    "view/news.js",
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
    let mut at_first = BTreeSet::new();
    load(&ui, "index.html", &names, &mut at_first)?;

    let mut version = DefaultHasher::new();
    let mut table = String::new();
    for (number, name) in names.iter().enumerate() {
        let mut bytes = fs::read(ui.join(name))?;
        if name.ends_with(".js") || name.ends_with(".css") {
            bytes = without_comments(&String::from_utf8_lossy(&bytes)).into_bytes();
        }
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
            "    File {{ path: {name:?}, hash: \"{:016x}\", at_first: {}, plain: {}, brotli: {}, gzip: {} }},",
            hash.finish(),
            at_first.contains(name),
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

/// A module or style sheet without its comments, which are a third of it. A line that is nothing but comment is
/// left empty, so that what a browser says of a line is true of the file, too. That no such line is part of a
/// text is looked after by a test (`ui/test/texts.test.js`).
fn without_comments(text: &str) -> String {
    let mut without = String::with_capacity(text.len());
    let mut inside = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let end = trimmed.find("*/").map(|at| at + 2);
        let whole = end.is_none_or(|end| end == trimmed.len());
        assert!(!inside || whole, "behind the end of a comment is something: {line}");
        let comment = inside || trimmed.starts_with("/*") && whole;
        inside = comment && end.is_none();
        if !comment && !trimmed.starts_with("//") {
            without.push_str(line);
        }
        without.push('\n');
    }
    without
}

/// A file, and what a browser loads because of it without being asked: what a document names, and what a
/// module imports in a statement. The rest comes with `import()`, when somebody needs it.
fn load(ui: &Path, name: &str, names: &[String], loaded: &mut BTreeSet<String>) -> io::Result<()> {
    if !loaded.insert(name.to_owned()) {
        return Ok(());
    }
    let marks: &[&str] = match name.rsplit_once('.') {
        Some((_, "html")) => &[" href=\"", " src=\""],
        Some((_, "js")) => &[" from \"", "import \""],
        _ => return Ok(()),
    };
    let text = fs::read_to_string(ui.join(name))?;
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    for mark in marks {
        let references = text.split(mark).skip(1).filter_map(|after| after.split('"').next());
        for reference in references.map(|reference| resolved(folder, reference)) {
            if names.contains(&reference) {
                load(ui, &reference, names, loaded)?;
            }
        }
    }
    Ok(())
}

/// A reference from a file in `folder`, both relative to the page.
fn resolved(folder: &str, reference: &str) -> String {
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.join("/")
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
