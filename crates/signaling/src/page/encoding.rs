//! Which compression a client takes.

use axum::http::{HeaderMap, HeaderValue, header};

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
    Brotli,
}

impl Encoding {
    /// The best that a request accepts.
    pub(super) fn accepted(request: &HeaderMap) -> Self {
        let mut best = Self::Plain;
        let lists = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for entry in lists.flat_map(|list| list.split(',')) {
            let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
            best = match name.trim() {
                "br" if !refused => Self::Brotli,
                "gzip" if !refused && best == Self::Plain => Self::Gzip,
                _ => best,
            };
        }
        best
    }

    /// For what is compressed while the program runs: every client that takes brotli takes gzip.
    pub(super) fn unless_brotli(self) -> Self {
        if self == Self::Brotli { Self::Gzip } else { self }
    }

    /// For `Content-Encoding`.
    pub(super) fn name(self) -> Option<HeaderValue> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Brotli => Some(HeaderValue::from_static("br")),
        }
    }

    /// For `ETag`: other bytes, another tag.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => "-gz",
            Self::Brotli => "-br",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_compression_that_is_not_refused_is_chosen() {
        for (accepts, chosen) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("br;q=1.0, gzip;q=0.8", Encoding::Brotli),
            ("gzip, br;q=0", Encoding::Gzip),
            ("br;q=0.0,gzip;q=0", Encoding::Plain),
            ("identity", Encoding::Plain),
            ("", Encoding::Plain),
        ] {
            let mut request = HeaderMap::new();
            request.insert(header::ACCEPT_ENCODING, accepts.parse().unwrap());
            assert_eq!(Encoding::accepted(&request), chosen, "{accepts}");
        }
        assert_eq!(Encoding::accepted(&HeaderMap::new()), Encoding::Plain);
    }
}
