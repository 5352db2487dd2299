//! What the server refuses to one client, each with a sentence that says what to do.

use maru_protocol::{ErrorCode, Limits, NameError, SUBPROTOCOL, ServerMessage};

/// An `error` for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// For programs.
    pub(crate) code: ErrorCode,
    /// For people.
    pub(crate) message: String,
    /// Whether the connection ends with it.
    pub(crate) fatal: bool,
}

impl Refusal {
    fn new(code: ErrorCode, fatal: bool, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fatal }
    }

    /// The same, but the connection ends with it.
    pub(crate) fn fatal(self) -> Self {
        Self { fatal: true, ..self }
    }

    /// Not JSON, or not of the protocol's shape; `why` says where.
    pub(crate) fn malformed(why: impl std::fmt::Display) -> Self {
        // A parser may quote what it read: keep that short.
        let why: String = why.to_string().chars().take(200).collect();
        Self::new(
            ErrorCode::Malformed,
            false,
            format!(
                "The server does not understand this message ({why}). Update Maru if this happens again."
            ),
        )
    }

    /// Larger than allowed.
    pub(crate) fn message_too_large(limits: &Limits) -> Self {
        let message =
            format!("The message is too large. This server takes up to {} bytes.", limits.message_bytes);
        Self::new(ErrorCode::MessageTooLarge, false, message)
    }

    /// Faster than allowed.
    pub(crate) fn too_many_messages(limits: &Limits) -> Self {
        let message = format!(
            "Too many messages, some were dropped. This server takes {} a second on average.",
            limits.messages_per_second
        );
        Self::new(ErrorCode::TooManyMessages, false, message)
    }

    /// Faster than all connections of one address together may be.
    pub(crate) fn too_many_messages_of_address(per_second: u32) -> Self {
        let message = format!(
            "Too many messages from this address, some were dropped. This server takes {per_second} a second from \
             all its connections together."
        );
        Self::new(ErrorCode::TooManyMessages, false, message)
    }

    /// Joins, or rooms that nobody was in, faster than one address may. Whoever it concerns comes back.
    pub(crate) fn too_many_joins(retry_after: u32) -> Self {
        let message =
            format!("Too many joined from this address in a short time. Try again in {retry_after} seconds.");
        Self::new(ErrorCode::TooManyJoins, false, message)
    }

    /// No more connections or rooms than there are.
    pub(crate) fn overloaded(retry_after: u32) -> Self {
        let message = format!("The server is full just now. Try again in {retry_after} seconds.");
        Self::new(ErrorCode::Overloaded, false, message)
    }

    /// The addressed peer is away, and no more signals are kept for it.
    pub(crate) fn no_more_is_kept() -> Self {
        let message = "The other participant's connection is broken, and the server keeps no more messages for it. \
                       Connect to it anew when it is back.";
        Self::new(ErrorCode::TooManyMessages, false, message)
    }

    /// The address has too many connections.
    pub(crate) fn too_many_connections(limits: &Limits) -> Self {
        let message = format!(
            "There are too many connections from this address. This server takes {} at a time. Close one, or try \
             again later.",
            limits.connections_per_address
        );
        Self::new(ErrorCode::TooManyConnections, true, message)
    }

    /// No common version of the protocol.
    pub(crate) fn unsupported_version() -> Self {
        let message = format!(
            "This server speaks {SUBPROTOCOL}, and this client does not. Update Maru on both sides to the same \
             version."
        );
        Self::new(ErrorCode::UnsupportedVersion, true, message)
    }

    /// The room's name is not one.
    pub(crate) fn bad_room_name(error: NameError) -> Self {
        Self::new(ErrorCode::BadRoomName, true, error.to_string())
    }

    /// The participant's name is not one.
    pub(crate) fn bad_display_name(error: NameError) -> Self {
        Self::new(ErrorCode::BadDisplayName, true, error.to_string())
    }

    /// The room is full.
    pub(crate) fn room_full(limits: &Limits) -> Self {
        let message = format!(
            "The room is full: {} participants are the most. Wait until somebody leaves, or use another room.",
            limits.peers_per_room
        );
        Self::new(ErrorCode::RoomFull, true, message)
    }

    /// Something other than `join` came first.
    pub(crate) fn not_joined() -> Self {
        Self::new(ErrorCode::NotJoined, true, "Join a room first.")
    }

    /// A second `join`.
    pub(crate) fn already_joined() -> Self {
        let message =
            "This connection has joined a room already. Leave it and connect again for another room.";
        Self::new(ErrorCode::AlreadyJoined, false, message)
    }

    /// A signal to somebody who is not in the room.
    pub(crate) fn no_such_peer() -> Self {
        let message = "The participant that this message is for is not in the room any more.";
        Self::new(ErrorCode::NoSuchPeer, false, message)
    }

    /// A missing or wrong access token.
    pub(crate) fn unauthorized(given: bool) -> Self {
        let message = if given {
            "This server does not accept the access token. Ask whoever runs it for the right one."
        } else {
            "This server is private. Ask whoever runs it for its access token."
        };
        Self::new(ErrorCode::Unauthorized, true, message)
    }

    /// The other nodes are out of reach. Not a refusal: the place is taken.
    pub(crate) fn alone() -> Self {
        let message = "This server cannot reach the others that it works with just now. You see only who is on \
                       this one; the others appear as soon as that is over.";
        Self::new(ErrorCode::Internal, false, message)
    }

    /// No `join` in time.
    pub(crate) fn join_timeout() -> Self {
        Self::new(ErrorCode::JoinTimeout, true, "No room was joined in time. Connect again.")
    }
}

impl From<Refusal> for ServerMessage {
    fn from(refusal: Refusal) -> Self {
        Self::Error { code: refusal.code, message: refusal.message, fatal: refusal.fatal }
    }
}
