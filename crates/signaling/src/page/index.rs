//! The page's own document: `ui/index.html`, told where it is and which version of its files to load.

use std::io::Write as _;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::FILES_PREFIX;
use super::assets::{Source, hash};
use super::encoding::Encoding;

/// The document as it goes out.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) hash: String,
    pub(super) plain: Bytes,
    pub(super) gzip: Bytes,
}

impl Index {
    /// The document for URLs that begin with `base_path`, which is checked by `base_path` of the
    /// configuration; `None` when there is none.
    pub(super) fn new(source: &Source, base_path: &str) -> Option<Self> {
        let (_, _, text) = source.file("index.html", Encoding::Plain)?;
        let plain = written(std::str::from_utf8(&text).ok()?, source, base_path);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(plain.as_bytes()).ok()?;
        let gzip = gzip.finish().ok()?.into();
        Some(Self { hash: hash(plain.as_bytes()), plain: plain.into(), gzip })
    }
}

/// Relative references of the document become those of one version's files. `<base>` states where the
/// server is: the WebSocket is found from there. All modules that are loaded at first are named at once, so
/// that a browser need not discover them one after the other.
fn written(text: &str, source: &Source, base_path: &str) -> String {
    let files = format!("{FILES_PREFIX}/{}/", source.version());
    let mut head = format!("<head>\n    <base href=\"{base_path}/\" />");
    for module in source.paths_at_first().filter(|path| path.ends_with(".js")) {
        head.push_str(&format!("\n    <link rel=\"modulepreload\" href=\"{files}{module}\" />"));
    }
    let mut written = String::with_capacity(text.len() + 2 * head.len());
    let mut rest = text;
    while let Some((at, attribute)) = next_reference(rest) {
        let (before, after) = rest.split_at(at + attribute.len());
        written.push_str(before);
        let relative = after.starts_with(|first: char| first.is_ascii_alphanumeric());
        let whole = after.split('"').next().is_some_and(|value| value.contains(':'));
        if relative && !whole {
            written.push_str(&files);
        }
        rest = after;
    }
    written.push_str(rest);
    written.replacen("<head>", &head, 1)
}

fn next_reference(text: &str) -> Option<(usize, &'static str)> {
    [" href=\"", " src=\""].into_iter().filter_map(|name| Some((text.find(name)?, name))).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_references_get_the_version_and_others_stay() {
        let text = r##"<head><link href="style/base.css"><script src="main.js"></script></head>
            <a href="#top"></a><a href="https://example.org/"></a><img src="data:,"><a href="/x"></a>"##;
        let written = written(text, &Source::Directory("nowhere".into()), "/maru");
        assert!(written.contains(r#"<base href="/maru/" />"#), "{written}");
        assert!(written.contains(r#"<link href="-/dev/style/base.css">"#), "{written}");
        assert!(written.contains(r#"<script src="-/dev/main.js">"#), "{written}");
        for kept in [r##"href="#top""##, r#"href="https://example.org/""#, r#"src="data:,""#, r#"href="/x""#]
        {
            assert!(written.contains(kept), "{written}");
        }
    }
}
