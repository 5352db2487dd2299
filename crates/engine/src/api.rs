//! What a program that drives the engine says to it ([`Command`]) and sees of it ([`Event`],
//! [`CallView`]). The window's UI gets exactly these, as JSON.

use maru_media::audio::volume::Volume;
use maru_media::voice::VoiceSettings;
use maru_media::{DeviceId, DeviceKind, DeviceList, ScreenKind, ScreenSourceId};
use maru_protocol::{GuestLink, PeerId, RoomName};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::notice::{Notice, Problem};
use crate::stats::CallStats;

/// Something a person wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum Command {
    /// Open the chosen camera and microphone without a call, for the join screen; or release them.
    Preview {
        /// Whether to.
        on: bool,
    },
    /// Somebody looks at the join screen and may join soon: a connection to the server is opened for that. To be said
    /// again at each sign of the person: after five minutes without one it is closed.
    Expect {
        /// What to join, as typed so far: an invite names another server. `None` when nobody joins soon, or where
        /// what is to be joined is not what the person typed or chose.
        room: Option<String>,
    },
    /// Enter a room.
    Join {
        /// The room's name as typed, or an invite (`https://HOST/ROOM`, `maru://HOST/ROOM`): then its
        /// server counts, for this call.
        room: String,
        /// The own name as typed.
        name: String,
    },
    /// Leave the room.
    Leave,
    /// Mute or unmute; also before a call. What a muted microphone hears goes nowhere. It stays open until the
    /// call or the preview ends, so that unmuting takes no time, and is not opened before it is first wanted.
    SetMuted {
        /// Whether to.
        muted: bool,
    },
    /// Switch the camera off or on; also before a call. A camera that is off is released.
    SetCameraOff {
        /// Whether to.
        camera_off: bool,
    },
    /// Use this device from now on; also in mid-call.
    SelectDevice {
        /// Which kind.
        kind: DeviceKind,
        /// Which one; `None` for none at all.
        id: Option<DeviceId>,
    },
    /// Do this to the microphone's sound from now on.
    SetVoice {
        /// What.
        voice: VoiceSettings,
    },
    /// Tell the others this much of where this machine is, from the next connection on.
    SetAddresses {
        /// How much.
        addresses: AddressPolicy,
    },
    /// Play a peer this loud from now on, also when it comes back in the same call. It is not told.
    SetPeerVolume {
        /// Whom.
        peer: PeerId,
        /// How loud.
        volume: Volume,
    },
    /// Do not play a peer, or play it again as loud as before. It is not told.
    SetPeerMuted {
        /// Whom.
        peer: PeerId,
        /// Whether not to.
        muted: bool,
    },
    /// Look for devices now; without being asked, that happens every second or two.
    RefreshDevices,
    /// Play a short sound on the chosen speaker; also before a call.
    TestSpeaker,
    /// Say something to everybody in the room.
    SendChat {
        /// The text.
        text: String,
    },
    /// Offer a picked file to everybody in the room who can take files.
    OfferFile {
        /// The file's handle, as whoever picked it was told.
        handle: u32,
    },
    /// Take an offered file: it is saved with the downloads.
    AcceptFile {
        /// Which one.
        #[ts(type = "number")]
        id: FileId,
    },
    /// Decline an offered file, or end a transfer in either direction.
    CancelFile {
        /// Which one.
        #[ts(type = "number")]
        id: FileId,
    },
    /// Show this screen or window to everybody in the room who can see one, beside the camera; in place of
    /// what is shared by now.
    StartShare {
        /// Which one.
        source: ScreenSourceId,
    },
    /// Share nothing any more.
    StopShare,
    /// Take the notice off the screen.
    DismissNotice,
}

/// Which of a participant's two streams of pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum VideoKind {
    /// The camera's.
    #[default]
    Camera,
    /// The shared screen's or window's.
    Screen,
}

impl VideoKind {
    pub(crate) const BOTH: [Self; 2] = [Self::Camera, Self::Screen];
}

/// Which paths a call may take, and which of this machine's addresses the others learn. Holds for connections
/// that are made from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum AddressPolicy {
    /// All: the shortest path is found.
    #[default]
    All,
    /// Names that mean something on this network only stand for private addresses
    /// (draft-ietf-mmusic-mdns-ice-candidates).
    HidePrivate,
    /// Through the server's relay only: the others learn no address at all. Without a relay there is no call.
    RelayOnly,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum Event {
    /// Anything in the view changed: here is all of it.
    View {
        /// The new view.
        view: Box<CallView>,
    },
    /// How loud everybody is, ten times a second while there is sound.
    Levels {
        /// The levels.
        levels: Levels,
    },
    /// How the connections are, once a second while there are any.
    Stats {
        /// The figures.
        stats: CallStats,
    },
    /// Somebody said something, this participant included.
    Chat {
        /// What.
        message: ChatMessage,
    },
}

/// All there is to show, apart from pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct CallView {
    /// Where the call stands.
    pub call: CallState,
    /// The room, from the first attempt to join on.
    pub room: Option<RoomName>,
    /// This participant.
    pub me: MeView,
    /// The others, in the order in which they came.
    pub peers: Vec<PeerView>,
    /// Devices to choose from.
    pub devices: DeviceList,
    /// Everything said in this call, the newest last; the oldest go when there are too many.
    pub chat: Vec<ChatMessage>,
    /// Files offered, under way and done with in this call, the newest last; the oldest that are over go when
    /// there are too many.
    pub files: Vec<FileView>,
    /// Something to tell the person.
    pub notice: Option<Notice>,
    /// The server's URL, once known.
    pub server: Option<String>,
    /// Links that bring a browser into the room, the best one first; none outside a room, or when the
    /// server has none.
    pub links: Vec<GuestLink>,
}

/// Where the call stands.
///
/// ```text
/// Idle → Joining → InCall ⇄ Reconnecting → Leaving → Idle      (error from any: → Idle with a notice)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum CallState {
    /// No call.
    Idle,
    /// Connecting to the server, entering the room.
    Joining,
    /// In the room.
    InCall,
    /// In the room, but the server is out of reach; media goes on.
    Reconnecting,
    /// Saying goodbye.
    Leaving,
}

impl CallState {
    /// Whether there is a call: peers hear what is sent to them, whether the server is in reach or not.
    pub fn is_in_room(self) -> bool {
        matches!(self, Self::InCall | Self::Reconnecting)
    }
}

/// This participant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct MeView {
    /// The id in the room, once joined.
    pub id: Option<PeerId>,
    /// The name, once given.
    pub name: String,
    /// The microphone is muted.
    pub muted: bool,
    /// The camera is off.
    pub camera_off: bool,
    /// The camera that is used, or would be: the chosen one, or what stands in while that one is gone.
    pub camera: Option<DeviceId>,
    /// The microphone that is used, or would be.
    pub microphone: Option<DeviceId>,
    /// The speaker that is used, or would be.
    pub speaker: Option<DeviceId>,
    /// The camera is open now: its light is on.
    pub camera_live: bool,
    /// The microphone is open now, also while it is muted.
    pub microphone_live: bool,
    /// A sound is played to try the speaker.
    pub speaker_test: bool,
    /// What is shared now.
    pub sharing: Option<ShareView>,
}

/// A screen or window that is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct ShareView {
    /// Its name; empty where only the system knows.
    pub name: String,
    /// Which kind.
    pub kind: ScreenKind,
}

/// Another participant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct PeerView {
    /// Its id.
    pub id: PeerId,
    /// Its name.
    pub name: String,
    /// Where the connection to it stands.
    pub state: PeerState,
    /// It is muted.
    pub muted: bool,
    /// Its camera is off.
    pub camera_off: bool,
    /// Pictures arrive.
    pub has_video: bool,
    /// How loud this participant wants it.
    pub volume: Volume,
    /// This participant does not want to hear it.
    pub muted_for_me: bool,
    /// Its program can take files.
    pub takes_files: bool,
    /// It shares a screen or window.
    pub sharing: bool,
    /// Pictures of its screen arrive.
    pub has_screen: bool,
}

/// Where the connection to one peer stands.
///
/// ```text
/// New → Negotiating → Connecting → Connected ⇄ Restarting → Closed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum PeerState {
    /// Known, nothing sent yet.
    New,
    /// Offer and answer are under way.
    Negotiating,
    /// Looking for a path.
    Connecting,
    /// Media flows.
    Connected,
    /// The path is dead; looking for another one.
    Restarting,
    /// Gone or failed.
    Closed,
}

/// How loud everybody is: the peak of the last 100 ms in dBFS, −100 for silence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct Levels {
    /// The own microphone, also while it is muted.
    pub microphone_dbfs: f32,
    /// Whether this participant speaks, also while the microphone is muted.
    pub speaking: bool,
    /// The others.
    pub peers: Vec<PeerLevel>,
}

/// How loud one peer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct PeerLevel {
    /// Who.
    pub id: PeerId,
    /// How loud it arrives, in dBFS; how loud it is played is another matter.
    pub dbfs: f32,
    /// Whether this one speaks: for a highlight that does not flicker, and not for noise.
    pub speaking: bool,
}

/// Something said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct ChatMessage {
    /// Counts up in the order of arrival; a key for lists.
    #[ts(type = "number")]
    pub sequence: u64,
    /// Who; `None` for this participant.
    pub from: Option<PeerId>,
    /// The name at that time.
    pub name: String,
    /// What.
    pub text: String,
    /// When, in UNIX milliseconds on this machine's clock.
    #[ts(type = "number")]
    pub at_ms: u64,
}

/// A transfer's number in this program.
pub type FileId = u64;

/// A file that a person picked on this machine. Where it is, its handle does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct PickedFile {
    /// For [`Command::OfferFile`].
    pub handle: u32,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    #[ts(type = "number")]
    pub size: u64,
}

/// A file on its way to or from one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct FileView {
    /// Its number; a key for lists.
    #[ts(type = "number")]
    pub id: FileId,
    /// With whom.
    pub peer: PeerId,
    /// Its name at that time.
    pub peer_name: String,
    /// To it or from it.
    pub direction: FileDirection,
    /// The file's name, made safe where it comes from a peer.
    pub name: String,
    /// The file's size in bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// How far it is.
    pub state: FileState,
    /// Bytes that the receiver has written.
    #[ts(type = "number")]
    pub moved: u64,
    /// Bytes per second lately; 0 while nothing moves.
    #[ts(type = "number")]
    pub speed: u64,
    /// How long the rest takes at this speed.
    pub seconds_left: Option<u32>,
    /// Why it failed.
    #[ts(type = "{ key: string, values: Record<string, string | number | boolean>, text: string } | null")]
    pub problem: Option<Problem>,
    /// The name under which it was saved with the downloads.
    pub saved_as: Option<String>,
    /// When it was offered, in UNIX milliseconds on this machine's clock.
    #[ts(type = "number")]
    pub at_ms: u64,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum FileDirection {
    /// To a peer.
    Sending,
    /// From a peer.
    Receiving,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum FileState {
    /// Not answered yet.
    Offered,
    /// Under way.
    Moving,
    /// The line to the peer is down; it goes on by itself.
    Waiting,
    /// All there; whether it is the same is being looked at.
    Checking,
    /// There, and the same.
    Done,
    /// Whoever was offered it did not want it.
    Declined,
    /// One of the two did not want it any more.
    Cancelled,
    /// It did not work.
    Failed,
}

/// Longest chat message, in bytes of UTF-8.
pub const CHAT_MAX_BYTES: usize = 4096;

/// Chat messages that one participant may send in [`CHAT_RATE_SECONDS`].
pub const CHAT_RATE_MESSAGES: usize = 10;

/// The span over which chat messages are counted.
pub const CHAT_RATE_SECONDS: u64 = 5;
