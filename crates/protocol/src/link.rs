use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A link that a browser opens to be in the room. Sent in `joined`, the best one first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "protocol.d.ts")]
pub struct GuestLink {
    /// The whole URL of the room.
    pub url: String,
    /// From where it can be opened.
    pub scope: LinkScope,
    /// SHA-256 of the server's certificate, as browsers show it (`AB:CD:…`), when the server signed it
    /// itself: the browser will warn, and this is what to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub fingerprint: Option<String>,
}

/// From where a link can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum LinkScope {
    /// On the server's machine only.
    Machine,
    /// On the local network that the server is in.
    Network,
    /// From anywhere.
    Public,
    /// A scope this version does not know.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}
