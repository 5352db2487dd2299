//! What a browser must not let happen on our pages, whatever else goes wrong.
//!
//! No script, style or connection but the server's own, in no frame of anybody's, with no more of the
//! machine than a call needs. Names of rooms and people can then be at worst ugly.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// All but `connect-src`. `data:` pictures are icons in style sheets, `blob:` what the page makes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    media-src 'self' blob:; font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'self'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Camera and microphone for the call, the rest for its comfort; what is not here and asks by itself
/// for nothing is refused by name.
const PERMISSIONS: &str = "camera=(self), microphone=(self), speaker-selection=(self), \
    screen-wake-lock=(self), fullscreen=(self), autoplay=(self), picture-in-picture=(self), \
    clipboard-write=(self), clipboard-read=(), geolocation=(), display-capture=(self), usb=(), \
    serial=(), hid=(), midi=(), payment=(), publickey-credentials-get=(), \
    idle-detection=(), browsing-topics=()";

/// Adds the headers to what is not a page: pages take their rules with them, and there are many files.
pub(crate) fn protect_file(headers: &mut HeaderMap) {
    set(
        headers,
        &[
            ("content-security-policy", "default-src 'none'"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
        ],
    );
}

/// Adds the headers to a page. `host` is the server's name as the client wrote it, checked: older
/// browsers do not take `'self'` for WebSockets.
pub(crate) fn protect(headers: &mut HeaderMap, host: Option<&str>) {
    let connect = match host {
        Some(host) => format!("{POLICY}; connect-src 'self' ws://{host} wss://{host}"),
        None => format!("{POLICY}; connect-src 'self'"),
    };
    if let Ok(policy) = HeaderValue::from_str(&connect) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    set(
        headers,
        &[
            ("permissions-policy", PERMISSIONS),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            // The names of rooms are nobody else's business.
            ("x-robots-tag", "noindex, nofollow"),
        ],
    );
}

fn set(headers: &mut HeaderMap, lines: &[(&'static str, &'static str)]) {
    for (name, value) in lines {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}
