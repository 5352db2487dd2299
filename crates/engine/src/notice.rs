//! What there is to tell a person. Every sentence has a name and values ([`Sentence`]), so that a view says
//! it in the person's language; beside it stands the English text, for programs without a dictionary.

use std::fmt;

use maru_media::{DeviceError, DeviceKind, ScreenError, System};
use maru_protocol::{ErrorCode, InviteError, NameError};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::signaling::SignalingError;

/// Something to tell the person: a sentence with a way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
// Open on the page's side: a guest's browser has sentences of its own.
#[ts(
    export_to = "engine.d.ts",
    type = "{ code: NoticeCode, key: string, values: Record<string, string | number | boolean>, text: string }"
)]
pub struct Notice {
    /// For programs: which kind.
    pub code: NoticeCode,
    /// For people, by name.
    #[serde(flatten)]
    pub sentence: Sentence,
    /// For people, in English.
    pub text: String,
}

/// Which kind of notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum NoticeCode {
    /// The room's or the own name is bad.
    BadName,
    /// The server cannot be reached or refuses.
    Server,
    /// The room is full.
    RoomFull,
    /// A camera does not work.
    Camera,
    /// A microphone does not work.
    Microphone,
    /// A speaker does not work.
    Speaker,
    /// A chat message was not sent.
    Chat,
    /// A file was not offered.
    File,
    /// A screen or window is not shared.
    Screen,
    /// A peer's connection failed.
    Peer,
}

impl NoticeCode {
    /// Whether it is about a camera, microphone or speaker: that outlasts what a person does next.
    pub(crate) fn is_of_device(self) -> bool {
        matches!(self, Self::Camera | Self::Microphone | Self::Speaker)
    }
}

impl From<DeviceKind> for NoticeCode {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Camera => Self::Camera,
            DeviceKind::Microphone => Self::Microphone,
            DeviceKind::Speaker => Self::Speaker,
        }
    }
}

/// A sentence for a person, in English and by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// By name.
    #[serde(flatten)]
    pub sentence: Sentence,
    /// In English.
    pub text: String,
}

impl Problem {
    /// A sentence and the same in English.
    pub fn new(sentence: Sentence, text: impl Into<String>) -> Self {
        Self { sentence, text: text.into() }
    }

    /// As a notice of this kind.
    pub fn notice(self, code: impl Into<NoticeCode>) -> Notice {
        Notice { code: code.into(), sentence: self.sentence, text: self.text }
    }

    /// A name was refused.
    pub fn name(field: NameField, error: NameError) -> Self {
        let sentence = match error {
            NameError::Empty { .. } => Sentence::NameEmpty { field },
            NameError::TooLong { length, limit, .. } => Sentence::NameTooLong { field, length, limit },
            NameError::ControlCharacter { .. } => Sentence::NameControlCharacter { field },
        };
        Self::new(sentence, error.to_string())
    }

    /// The person wants to go through a relay only, and there is none.
    pub(crate) fn no_relay() -> Self {
        let text = "This server has no relay, and you want to go through a relay only: nobody can be reached. Choose \
                    another server, or let others learn your address.";
        Self::new(Sentence::NoRelay {}, text)
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        let text = error.to_string();
        match error {
            InviteError::NoRoom => Self::new(Sentence::InviteNoRoom {}, text),
            InviteError::BadAddress { address } => Self::new(Sentence::InviteBadAddress { address }, text),
            InviteError::BadRoom(error) => Self::name(NameField::Room, error),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which of the two names that a person types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum NameField {
    /// The room's.
    Room,
    /// The person's own.
    Display,
}

/// Every sentence that the engine or the app can say; the page's dictionaries have one of each. A `problem` is
/// what the system or a library said, as it said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "key", content = "values", rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
#[expect(missing_docs, reason = "the names say it, and the dictionaries say it in full")]
pub enum Sentence {
    NameEmpty {
        field: NameField,
    },
    NameTooLong {
        field: NameField,
        length: usize,
        limit: usize,
    },
    NameControlCharacter {
        field: NameField,
    },
    InviteNoRoom {},
    InviteBadAddress {
        address: String,
    },

    Refused {
        code: ErrorCode,
    },
    ServerSilent {},
    ServerEnded {},
    ServerLost {},
    ServerBadAddress {
        address: String,
    },
    ServerWrongScheme {
        scheme: String,
    },
    ServerUnknownHost {
        host: String,
    },
    ServerNothingListens {
        host: String,
    },
    ServerHungUp {
        host: String,
    },
    ServerUnreachable {
        host: String,
        problem: String,
    },
    ServerTimedOut {
        host: String,
    },
    ServerNotTrusted {
        host: String,
        problem: String,
    },
    ServerNotMaru {
        host: String,
    },
    ServerOtherVersion {
        host: String,
    },
    AutomaticPortTaken {
        port: u16,
    },
    AutomaticOtherVersion {
        version: String,
    },
    AutomaticFailed {
        problem: String,
    },

    InARoomAlready {},
    JoinedElsewhere {},
    PeerNoPath {
        name: String,
    },
    PeerFailed {
        name: String,
        problem: String,
    },
    NoCommonCodec {
        name: String,
    },
    NoRelay {},

    ChatNotInARoom {},
    ChatTooLong {
        bytes: usize,
        limit: usize,
    },
    ChatTooFast {
        messages: usize,
        #[ts(type = "number")]
        seconds: u64,
    },

    FileNotInARoom {},
    FileNobody {},
    FileNotFor {
        name: String,
    },
    FileTooLarge {
        name: String,
        #[ts(type = "number")]
        limit: u64,
    },
    FileTooMany {
        name: String,
        limit: usize,
    },
    FileNotPicked {},
    FileNotAFile {
        name: String,
    },
    FileVanished {
        name: String,
    },
    FileUnreadable {
        name: String,
        problem: String,
    },
    FileNoFolder {},
    FileDiskFull {},
    FileNotSaved {
        problem: String,
    },
    FileDamaged {},
    FileGarbled {
        name: String,
    },
    FilePeerLeft {
        name: String,
    },
    FilePeerVanished {
        name: String,
    },
    FilePeerTooMany {
        name: String,
    },
    FilePeerTooLarge {
        name: String,
    },
    FilePeerDiskFull {
        name: String,
    },
    FilePeerDamaged {
        name: String,
    },
    FilePeerNotSaved {
        name: String,
    },

    ScreenNotInARoom {},
    ScreenUnknown {},
    ScreenClosed {
        name: String,
    },
    ScreenDenied {
        system: System,
    },
    ScreenUnsupported {
        system: System,
        problem: String,
    },
    ScreenFile {
        path: String,
        problem: String,
    },
    ScreenFailed {
        name: String,
        problem: String,
    },

    DeviceNone {
        kind: DeviceKind,
    },
    DeviceUnknown {
        kind: DeviceKind,
        id: String,
    },
    DeviceBusy {
        kind: DeviceKind,
        name: String,
        system: System,
    },
    DeviceDenied {
        kind: DeviceKind,
        system: System,
    },
    DeviceLost {
        kind: DeviceKind,
        name: String,
    },
    DeviceFile {
        kind: DeviceKind,
        path: String,
        problem: String,
    },
    DeviceFailed {
        kind: DeviceKind,
        name: String,
        problem: String,
    },
    DeviceReplaced {
        kind: DeviceKind,
        name: String,
        instead: String,
        /// What is used instead is whatever the system uses; its name may be empty.
        follows_system: bool,
    },
    DeviceBack {
        kind: DeviceKind,
        name: String,
    },

    GuestsNotLetIn {
        problem: String,
    },
    SettingsNotSaved {
        problem: String,
    },
    FolderNotOpened {
        path: String,
    },
    NoLogs {},
    TokenNotKept {
        problem: String,
    },
    SettingsBroken {
        file: String,
    },
    SettingsNewer {},
    ShortcutTaken {
        shortcut: String,
    },
    ShortcutUnknown {
        shortcut: String,
    },
    ShortcutWayland {},
    WindowNotOpened {
        problem: String,
    },
    UpdateFailed {
        problem: String,
    },
    UpdateInCall {},
}

impl From<DeviceError> for Problem {
    fn from(error: DeviceError) -> Self {
        let text = error.to_string();
        let sentence = match error {
            DeviceError::None(kind) => Sentence::DeviceNone { kind },
            DeviceError::Unknown { kind, id } => Sentence::DeviceUnknown { kind, id: id.0 },
            DeviceError::Busy { kind, name, system } => Sentence::DeviceBusy { kind, name, system },
            DeviceError::Denied { kind, system } => Sentence::DeviceDenied { kind, system },
            DeviceError::Lost { kind, name } => Sentence::DeviceLost { kind, name },
            DeviceError::File { kind, path, problem } => Sentence::DeviceFile { kind, path, problem },
            DeviceError::Failed { kind, name, problem } => Sentence::DeviceFailed { kind, name, problem },
        };
        Self { sentence, text }
    }
}

impl Problem {
    /// Why nothing is shared; `None` where the person wanted it so.
    pub fn screen(error: ScreenError) -> Option<Self> {
        let text = error.to_string();
        let sentence = match error {
            ScreenError::Ended => return None,
            ScreenError::Unknown => Sentence::ScreenUnknown {},
            ScreenError::Closed { name } => Sentence::ScreenClosed { name },
            ScreenError::Denied { system } => Sentence::ScreenDenied { system },
            ScreenError::Unsupported { system, problem } => Sentence::ScreenUnsupported { system, problem },
            ScreenError::File { path, problem } => Sentence::ScreenFile { path, problem },
            ScreenError::Failed { name, problem } => Sentence::ScreenFailed { name, problem },
        };
        Some(Self { sentence, text })
    }
}

impl From<SignalingError> for Problem {
    fn from(error: SignalingError) -> Self {
        let text = error.to_string();
        let sentence = match error {
            SignalingError::BadUrl { url } => Sentence::ServerBadAddress { address: url },
            SignalingError::WrongScheme { scheme } => Sentence::ServerWrongScheme { scheme },
            SignalingError::UnknownHost { host } => Sentence::ServerUnknownHost { host },
            SignalingError::NothingListens { host } => Sentence::ServerNothingListens { host },
            SignalingError::HungUp { host } => Sentence::ServerHungUp { host },
            SignalingError::Unreachable { host, problem } => Sentence::ServerUnreachable { host, problem },
            SignalingError::TimedOut { host } => Sentence::ServerTimedOut { host },
            SignalingError::NotTrusted { host, problem } => Sentence::ServerNotTrusted { host, problem },
            SignalingError::NotMaru { host, .. } => Sentence::ServerNotMaru { host },
            SignalingError::OtherVersion { host } => Sentence::ServerOtherVersion { host },
            SignalingError::Lost => Sentence::ServerLost {},
        };
        Self { sentence, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_flat_json_with_its_key_its_values_and_the_english_text() {
        let error =
            DeviceError::Busy { kind: DeviceKind::Camera, name: "Front".into(), system: System::Linux };
        let notice = Problem::from(error).notice(DeviceKind::Camera);
        let json = serde_json::to_value(&notice).unwrap();
        let expected = serde_json::json!({
            "code": "camera",
            "key": "device_busy",
            "values": { "kind": "camera", "name": "Front", "system": "linux" },
            "text": notice.text,
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Notice>(json).unwrap(), notice);
    }

    #[test]
    fn a_sentence_without_values_has_an_empty_object_of_them() {
        let json = serde_json::to_value(Sentence::ServerSilent {}).unwrap();
        assert_eq!(json, serde_json::json!({ "key": "server_silent", "values": {} }));
    }
}
