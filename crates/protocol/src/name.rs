use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

/// Why a name was refused: a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("The {what} is empty. Type at least one character.")]
    Empty {
        /// Which name.
        what: &'static str,
    },
    /// More than the allowed number of characters.
    #[error("The {what} has {length} characters. {limit} is the most.")]
    TooLong {
        /// Which name.
        what: &'static str,
        /// Characters found, after normalisation.
        length: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// A control character, such as a line break or a NUL.
    #[error("The {what} contains a control character. Use letters, digits, spaces and punctuation.")]
    ControlCharacter {
        /// Which name.
        what: &'static str,
    },
}

/// NFC, trimmed, inner white space folded to single spaces; control characters are refused.
fn normalise(text: &str, what: &'static str, limit: usize) -> Result<String, NameError> {
    let trimmed = text.trim();
    if trimmed.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter { what });
    }
    let mut name = String::with_capacity(trimmed.len());
    for word in trimmed.split_whitespace() {
        if !name.is_empty() {
            name.push(' ');
        }
        name.extend(word.nfc());
    }
    // Concatenation keeps NFC here: every piece starts after a space, and a space composes with nothing.
    match name.chars().count() {
        0 => Err(NameError::Empty { what }),
        length if length > limit => Err(NameError::TooLong { what, length, limit }),
        _ => Ok(name),
    }
}

/// A room's name: Unicode NFC, trimmed, inner white space folded, 1 to 64 characters, no control
/// characters. Two names are the same room when they are equal without regard to case
/// ([`RoomName::key`]); the spelling is kept for showing.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(transparent)]
#[ts(type = "string", export_to = "protocol.d.ts")]
pub struct RoomName(String);

impl RoomName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Normalises what a person typed.
    ///
    /// # Errors
    /// [`NameError`] when nothing is left, when it is too long, or when it has control characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        normalise(text, "room name", Self::MAX_CHARS).map(Self)
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it is compared: its case folded, then NFC once more, since folding can decompose.
    ///
    /// Lower, upper, lower again: so `ß`, `ẞ` and `SS` are one, as are the two small sigmas of
    /// Greek, which lowering alone keeps apart (Unicode Standard, section 5.18, case folding).
    pub fn key(&self) -> String {
        self.0.to_lowercase().to_uppercase().chars().flat_map(char::to_lowercase).nfc().collect()
    }
}

impl PartialEq for RoomName {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for RoomName {}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A participant's name as others see it. The same rules as a room's name, 1 to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(transparent)]
#[ts(type = "string", export_to = "protocol.d.ts")]
pub struct DisplayName(String);

impl DisplayName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Normalises what a person typed.
    ///
    /// # Errors
    /// [`NameError`] when nothing is left, when it is too long, or when it has control characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        normalise(text, "display name", Self::MAX_CHARS).map(Self)
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DisplayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A participant in a room: [`ResumeToken::peer_id`] of its token. Not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "string", export_to = "protocol.d.ts")]
pub struct PeerId(Uuid);

impl PeerId {
    /// Reads what [`fmt::Display`] writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Proves that a reconnecting client is the one that held a [`PeerId`]. A secret between the server
/// and that one client: 122 random bits, and `Debug` does not show it.
///
/// The id is a hash of the token. So a server that was restarted and remembers nothing still gives
/// a returning client its old id, nobody else can claim it, and its peers' connections stand.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "string", export_to = "protocol.d.ts")]
pub struct ResumeToken(Uuid);

impl ResumeToken {
    /// A new random token.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id of who holds this token: a name-based UUID (RFC 9562, section 5.5), from which the
    /// token cannot be found.
    pub fn peer_id(&self) -> PeerId {
        /// Any fixed value: keeps these ids apart from other name-based UUIDs.
        const NAMESPACE: Uuid = Uuid::from_u128(0x6d61_7275_2e76_3100_7065_6572_2d69_6400);
        PeerId(Uuid::new_v5(&NAMESPACE, self.0.as_bytes()))
    }
}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_its_white_space_folded() {
        assert_eq!(RoomName::parse("  daily \u{3000} stand up ").unwrap().as_str(), "daily stand up");
    }

    #[test]
    fn composed_and_decomposed_hangul_are_the_same_room() {
        let decomposed: String = "회의실".nfd().collect();
        assert_ne!(decomposed, "회의실");
        assert_eq!(RoomName::parse(&decomposed), RoomName::parse("회의실"));
    }

    #[test]
    fn case_does_not_matter_but_the_spelling_is_kept() {
        let shouted = RoomName::parse("STANDUP Größe").unwrap();
        assert_eq!(shouted, RoomName::parse("standup größe").unwrap());
        assert_eq!(shouted.as_str(), "STANDUP Größe");
    }

    #[test]
    fn letters_whose_cases_are_not_one_to_one_are_the_same_room_too() {
        for (one, other) in [("STRASSE", "straße"), ("STRAẞE", "strasse"), ("ΣΑΣ", "σας"), ("İ", "i\u{307}")]
        {
            assert_eq!(RoomName::parse(one), RoomName::parse(other), "{one} and {other}");
        }
        assert_ne!(RoomName::parse("stand"), RoomName::parse("strand"));
    }

    #[test]
    fn sixty_four_characters_fit_and_sixty_five_do_not() {
        assert!(RoomName::parse(&"회".repeat(64)).is_ok());
        assert_eq!(
            RoomName::parse(&"회".repeat(65)),
            Err(NameError::TooLong { what: "room name", length: 65, limit: 64 })
        );
    }

    #[test]
    fn empty_names_and_control_characters_are_refused() {
        assert_eq!(RoomName::parse(" \t "), Err(NameError::Empty { what: "room name" }));
        for bad in ["a\u{0}b", "a\nb", "a\u{7f}", "a\u{85}b"] {
            assert_eq!(
                RoomName::parse(bad),
                Err(NameError::ControlCharacter { what: "room name" }),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_token_always_gives_the_same_id_and_another_token_another() {
        let token = ResumeToken::random();
        assert_eq!(token.peer_id(), token.clone().peer_id());
        assert_ne!(token.peer_id(), ResumeToken::random().peer_id());
    }

    #[test]
    fn a_resume_token_does_not_show_in_debug_output() {
        let token = ResumeToken::random();
        let secret = serde_json::to_string(&token).unwrap();
        assert!(!format!("{token:?}").contains(secret.trim_matches('"')));
    }
}
