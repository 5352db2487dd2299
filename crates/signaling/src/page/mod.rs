//! The guest's page: the files of `ui/`, built into this program, and how they go over HTTP.
//!
//! ```text
//! BASE/            the page, asking for a room          BASE/ROOM   the page, for that room
//! BASE/?room=ROOM  the same, for any name at all        BASE/-/VERSION/FILE   what the page is made of
//! ```
//!
//! A room's name is one segment of the path, whatever is in it, and files have at least three: so no
//! name can hide a file or be hidden by one. The version names the content of all files together: they
//! are cached for good, and only the page itself is asked for again, which costs an empty answer.
//!
//! This module refuses to know rooms: what is in the path is for the page to read, and nothing of it is
//! ever written into an answer.

mod assets;
mod encoding;
mod index;
pub(crate) mod safety;

use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use assets::Source;
use encoding::Encoding;
use index::Index;

/// The first segment of every file's path.
pub(crate) const FILES_PREFIX: &str = "-";

/// How long a browser may keep what never changes: a year, the most that is commonly heeded.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// Keep it, but ask before using it.
const REVALIDATE: &str = "no-cache";

/// See the module.
#[derive(Debug)]
pub(crate) struct Page {
    source: Source,
    index: Option<Index>,
    base_path: String,
}

impl Page {
    /// The page for a server whose URLs begin with `base_path` (empty, or `/maru`); from a directory
    /// instead of this program if one is given, for working on the page.
    pub(crate) fn new(base_path: &str, directory: Option<PathBuf>) -> Self {
        let source = directory.map_or(Source::Embedded, Source::Directory);
        let index = match source {
            Source::Embedded => Index::new(&source, base_path),
            Source::Directory(_) => None,
        };
        Self { source, index, base_path: base_path.to_owned() }
    }

    /// The page itself.
    pub(crate) fn index(&self, request: &HeaderMap) -> Response {
        let fresh;
        let index = match &self.index {
            Some(index) => index,
            None => match Index::new(&self.source, &self.base_path) {
                Some(index) => {
                    fresh = index;
                    &fresh
                }
                None => return not_found(),
            },
        };
        let encoding = Encoding::accepted(request).unless_brotli();
        let body = match encoding {
            Encoding::Plain | Encoding::Brotli => &index.plain,
            Encoding::Gzip => &index.gzip,
        };
        answer(request, "text/html; charset=utf-8", REVALIDATE, &index.hash, encoding, body.clone())
    }

    /// One of the page's files. One that is asked for under another version's name may be given, but
    /// not be kept under that name.
    pub(crate) fn file(&self, version: &str, path: &str, request: &HeaderMap) -> Response {
        let Some(kind) = content_type(path) else { return not_found() };
        let encoding = Encoding::accepted(request);
        let Some((hash, encoding, bytes)) = self.source.file(path, encoding) else { return not_found() };
        let keep =
            if version == self.source.version() && self.source.lasts() { FOR_GOOD } else { REVALIDATE };
        let mut response = answer(request, kind, keep, &hash, encoding, bytes);
        safety::protect_file(response.headers_mut());
        response
    }
}

fn answer(
    request: &HeaderMap,
    content_type: &'static str,
    cache: &'static str,
    hash: &str,
    encoding: Encoding,
    body: Bytes,
) -> Response {
    let tag = format!("\"{hash}{}\"", encoding.suffix());
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let unchanged = known
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    let common = [
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::ETAG, tag),
        (header::VARY, header::ACCEPT_ENCODING.to_string()),
    ];
    if unchanged {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let mut response = (common, [(header::CONTENT_TYPE, content_type)], Body::from(body)).into_response();
    if let Some(name) = encoding.name() {
        response.headers_mut().insert(header::CONTENT_ENCODING, name);
    }
    response
}

fn not_found() -> Response {
    let text = "The page has no such file. Reload it.\n";
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// Of the kinds of files that a page is made of.
fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}
