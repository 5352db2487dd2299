//! Invites: `https://HOST[:PORT][/BASE]/ROOM` and `maru://HOST[:PORT][/BASE]/ROOM` mean the same room on
//! the same server. This is the one place that reads and writes them.
//!
//! The rules are those by which a browser finds the room in its page's address (`ui/backend/guest/address.js`),
//! so that whoever clicks a link and whoever pastes it meet. The module refuses to know whether anybody
//! is there.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{NameError, RoomName, WEBSOCKET_PATH};

/// What stays as it is in a segment of a path (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a browser writes as a percent sign and digits in a path that a person typed (WHATWG URL Standard,
/// section 1.3, path percent-encode set).
const IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Segments that mean something else than the room of that name.
const RESERVED: [&str; 5] = ["ws", "health", "index.html", ".", ".."];

/// How invites begin, whether a server behind it is reached by TLS, and the port when none is said.
const SCHEMES: [(&str, bool, u16); 3] = [("https", true, 443), ("maru", true, 443), ("http", false, 80)];

/// Why an invite was refused: a sentence for the person who pasted it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// It ends where the room should begin.
    #[error(
        "The invite names no room. It looks like https://example.org/standup; ask for it again, or type the room's name."
    )]
    NoRoom,
    /// There is no server of that name or port.
    #[error(
        "“{address}” in the invite is not a server's address. It looks like https://example.org/standup; ask for it again."
    )]
    BadAddress {
        /// Host and port, as they were given.
        address: String,
    },
    /// The room's name is none.
    #[error(transparent)]
    BadRoom(#[from] NameError),
}

/// A room on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    secure: bool,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    /// `None` for the usual one.
    port: Option<u16>,
    /// Starts and ends with a slash.
    base: String,
    room: RoomName,
}

impl Invite {
    /// Whether a person meant an invite, and not a room that is called so.
    pub fn is_meant(text: &str) -> bool {
        split_scheme(text.trim()).is_some()
    }

    /// Reads what a person pasted. Also takes `http://…`, for servers without TLS on one's own machine.
    ///
    /// # Errors
    /// [`InviteError`] when it names no server or no room.
    pub fn parse(text: &str) -> Result<Self, InviteError> {
        let text = text.trim();
        let bad = |address: &str| InviteError::BadAddress { address: address.to_owned() };
        let ((secure, usual_port), rest) = split_scheme(text).ok_or_else(|| bad(text))?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let (before, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let slash = before.find(['/', '\\']).unwrap_or(before.len());
        let (authority, path) = before.split_at(slash);
        let (host, port) = host_and_port(authority).ok_or_else(|| bad(authority))?;
        let path = path.replace('\\', "/");
        let (base, room) = match query.and_then(asked_room) {
            // The base itself, or the page in it.
            Some(room) => {
                let path = path.strip_suffix("index.html").unwrap_or(&path);
                (path.strip_suffix('/').unwrap_or(path).to_owned(), room)
            }
            None => {
                let (base, segment) = path.rsplit_once('/').unwrap_or(("", ""));
                if RESERVED.contains(&segment) {
                    return Err(InviteError::NoRoom);
                }
                (base.to_owned(), decode_segment(segment))
            }
        };
        if room.trim().is_empty() {
            return Err(InviteError::NoRoom);
        }
        // An empty or dotted segment would be another path once a browser has tidied it up.
        let base = base.strip_prefix('/').unwrap_or(&base);
        if !base.is_empty() && base.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(bad(&format!("{authority}{path}")));
        }
        let base = if base.is_empty() { "/".to_owned() } else { format!("/{}/", encode_path(base)) };
        let port = port.filter(|port| *port != usual_port);
        Ok(Self { secure, host, port, base, room: RoomName::parse(&room)? })
    }

    /// The room.
    pub fn room(&self) -> &RoomName {
        &self.room
    }

    /// Where an app connects, such as `wss://example.org/ws`.
    pub fn server_url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        let base = self.base.trim_end_matches('/');
        format!("{scheme}://{}{base}{WEBSOCKET_PATH}", self.authority())
    }

    /// The same as `maru://…`, which opens in the app; nothing for a server without TLS, which that
    /// scheme cannot name.
    pub fn app_link(&self) -> Option<String> {
        self.secure.then(|| room_url(&format!("maru://{}{}", self.authority(), self.base), &self.room))
    }

    fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// As a browser opens it.
impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        f.write_str(&room_url(&format!("{scheme}://{}{}", self.authority(), self.base), &self.room))
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        Self::parse(text)
    }
}

/// The address of a room under that of its server's page, which ends with a slash.
pub fn room_url(base: &str, room: &RoomName) -> String {
    let name = utf8_percent_encode(room.as_str(), UNRESERVED);
    if RESERVED.contains(&room.as_str()) { format!("{base}?room={name}") } else { format!("{base}{name}") }
}

/// What the scheme says, and what comes after it.
fn split_scheme(text: &str) -> Option<((bool, u16), &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let known = SCHEMES.iter().find(|(name, ..)| scheme.eq_ignore_ascii_case(name));
    known.map(|(_, secure, port)| ((*secure, *port), rest))
}

/// Both, if they can be such. Names and passwords are no part of an invite.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        None | Some("") => None,
        // `parse` alone would take a plus sign.
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port != 0)?)
        }
        Some(_) => return None,
    };
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some((format!("[{address}]"), port));
    }
    let of_a_name = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => true,
        other => !other.is_ascii() && !other.is_control() && !other.is_whitespace(),
    };
    // What looks like an IPv4 address must be one: 192.168.1 is not a name that anybody has.
    let numeric = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let fine = !host.is_empty()
        && !host.starts_with('.')
        && host.chars().all(of_a_name)
        && (!numeric || host.parse::<Ipv4Addr>().is_ok());
    fine.then(|| (host.to_ascii_lowercase(), port))
}

/// The first `room` of a query, as a browser reads it (WHATWG URL Standard,
/// `application/x-www-form-urlencoded` parsing).
fn asked_room(query: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    pairs.into_iter().find(|(key, _)| decode(key) == "room").map(|(_, value)| decode(value))
}

/// A segment's text; as a browser would show it where a percent sign means itself.
fn decode_segment(segment: &str) -> String {
    let written = encode_path(segment);
    let mut rest = written.as_bytes();
    let mut sound = true;
    while let [first, after @ ..] = rest {
        sound &=
            *first != b'%' || matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
        rest = after;
    }
    match percent_decode_str(&written).decode_utf8() {
        Ok(text) if sound => text.into_owned(),
        _ => written,
    }
}

/// What is in a path as a browser sends it.
fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, IN_A_PATH).to_string()
}

#[cfg(test)]
#[path = "invite_tests.rs"]
mod tests;
