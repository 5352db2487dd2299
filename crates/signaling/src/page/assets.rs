//! Where the page's files come from: built into this program, or a directory while somebody works on
//! them.

use std::borrow::Cow;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Component, Path, PathBuf};

use axum::body::Bytes;

use super::encoding::Encoding;

/// A file, built in.
struct File {
    path: &'static str,
    hash: &'static str,
    /// Loaded with the page, not when somebody needs it.
    at_first: bool,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Of the page in a directory: its files are looked at anew each time.
const UNVERSIONED: &str = "dev";

/// See the module.
#[derive(Debug)]
pub(super) enum Source {
    /// This program.
    Embedded,
    /// Files as they are now.
    Directory(PathBuf),
}

impl Source {
    /// Names the content of all files.
    pub(super) fn version(&self) -> &'static str {
        match self {
            Self::Embedded => VERSION,
            Self::Directory(_) => UNVERSIONED,
        }
    }

    /// Whether a file of one version stays what it is.
    pub(super) fn lasts(&self) -> bool {
        matches!(self, Self::Embedded)
    }

    /// The paths of all files that last and that the page loads at first.
    pub(super) fn paths_at_first(&self) -> impl Iterator<Item = &'static str> {
        let files = if self.lasts() { FILES } else { &[] };
        files.iter().filter(|file| file.at_first).map(|file| file.path)
    }

    /// A file's hash and content, compressed if the client takes that.
    pub(super) fn file(
        &self,
        path: &str,
        accepted: Encoding,
    ) -> Option<(Cow<'static, str>, Encoding, Bytes)> {
        match self {
            Self::Embedded => {
                let file = &FILES[FILES.binary_search_by_key(&path, |file| file.path).ok()?];
                let (encoding, bytes) = match accepted {
                    Encoding::Brotli if file.brotli.len() < file.plain.len() => (accepted, file.brotli),
                    Encoding::Gzip if file.gzip.len() < file.plain.len() => (accepted, file.gzip),
                    _ => (Encoding::Plain, file.plain),
                };
                Some((file.hash.into(), encoding, Bytes::from_static(bytes)))
            }
            Self::Directory(directory) => {
                let path = Path::new(path);
                if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                    return None;
                }
                let bytes = fs::read(directory.join(path)).ok()?;
                Some((hash(&bytes).into(), Encoding::Plain, bytes.into()))
            }
        }
    }
}

/// Tells contents apart, not adversaries.
pub(super) fn hash(bytes: &[u8]) -> String {
    let mut hash = DefaultHasher::new();
    bytes.hash(&mut hash);
    format!("{:016x}", hash.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a guest's browser loads at most until somebody can join, with the larger one of the dictionaries.
    const MOST_COMPRESSED_BYTES: usize = 88 * 1024;
    /// The same without TLS, where browsers take no brotli: there, no guest has a camera.
    const MOST_GZIPPED_BYTES: usize = 102 * 1024;
    /// All that is in the page, whatever a guest does with it.
    const MOST_IN_ALL_BYTES: usize = 122 * 1024;

    #[test]
    fn the_page_is_light() {
        let brotli = |file: &File| file.brotli.len().min(file.plain.len());
        let gzip = |file: &File| file.gzip.len().min(file.plain.len());
        let at_first = |size: &dyn Fn(&File) -> usize| {
            let files: usize = FILES.iter().filter(|file| file.at_first).map(size).sum();
            let dictionaries =
                FILES.iter().filter(|file| file.path.starts_with("strings/") && !file.at_first);
            files + dictionaries.map(size).max().expect("there are dictionaries, of which one is loaded")
        };
        let all: usize = FILES.iter().map(brotli).sum();
        let (compressed, gzipped) = (at_first(&brotli), at_first(&gzip));
        println!("{compressed} bytes at first ({gzipped} gzipped), {all} in all {} files", FILES.len());
        assert!(compressed <= MOST_COMPRESSED_BYTES, "{compressed} bytes");
        assert!(gzipped <= MOST_GZIPPED_BYTES, "{gzipped} bytes");
        assert!(all <= MOST_IN_ALL_BYTES, "{all} bytes");
    }

    #[test]
    fn what_few_ask_for_comes_when_they_ask() {
        let at_first = |path: &str| FILES.iter().find(|file| file.path == path).map(|file| file.at_first);
        for path in ["main.js", "strings.js", "backend/guest/session.js", "view/join.js", "style/base.css"] {
            assert_eq!(at_first(path), Some(true), "{path}");
        }
        for path in [
            "strings/ko.js",
            "backend/guest/check.js",
            "backend/guest/files/desk.js",
            "view/check/dialog.js",
            "view/connection.js",
            "view/report.js",
            "view/share.js",
            "style/share.css",
        ] {
            assert_eq!(at_first(path), Some(false), "{path}");
        }
    }

    #[test]
    fn only_what_a_browser_needs_is_in_it() {
        let has = |path: &str| Source::Embedded.file(path, Encoding::Plain).is_some();
        assert!(has("index.html") && has("main.js") && has("style/base.css"));
        for app_only in ["backend/tauri.js", "view/desktop.js", "view/picker.js", "video/player.js"] {
            assert!(!has(app_only), "{app_only}");
        }
        for left_out in ["package.json", "jsconfig.json", "types/engine.d.ts", "test/view.test.js"] {
            assert!(!has(left_out), "{left_out}");
        }
    }

    #[test]
    fn comments_are_for_whoever_works_on_it_and_lines_keep_their_numbers() {
        for file in FILES.iter().filter(|file| file.path.ends_with(".js")) {
            let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../ui").join(file.path);
            let (written, sent) = (fs::read_to_string(source).unwrap(), String::from_utf8_lossy(file.plain));
            assert!(!sent.contains("@ts-check") && !sent.contains("@param"), "{}", file.path);
            assert_eq!(written.lines().count(), sent.lines().count(), "{}", file.path);
            assert!(written.lines().zip(sent.lines()).all(|(from, to)| to.is_empty() || from == to));
        }
    }

    #[test]
    fn a_directory_gives_nothing_from_outside_of_it() {
        let source =
            Source::Directory(PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("src"));
        assert!(source.file("main.rs", Encoding::Plain).is_some());
        for outside in ["../build.rs", "/etc/hostname", "page/../../build.rs"] {
            assert!(source.file(outside, Encoding::Plain).is_none(), "{outside}");
        }
    }
}
