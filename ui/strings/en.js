// @ts-check
// Every text of the UI in English. The same keys and parameters as in the other languages.

import { bytesIn } from "../view/amount.js";

/** @typedef {import("./dictionary").Notices} Notices */

/** @param {number} amount */
const bytes = (amount) => bytesIn("en", amount);

/** @type {Record<import("../types/media").DeviceKind, string>} */
const DEVICE = { camera: "camera", microphone: "microphone", speaker: "speaker" };

/** @param {string} name of the device that the system uses now; empty where it does not say */
const systemDefault = (name) => (name === "" ? "System default" : `System default (${name})`);

/** Where the system keeps what programs may use. @type {Record<import("../types/media").DeviceKind, string>} */
const PRIVACY = { camera: "Camera", microphone: "Microphone", speaker: "Microphone" };

/**
 * What to do about a device that the system does not let us use.
 * @param {import("../types/media").System} system
 * @param {import("../types/media").DeviceKind} kind
 */
function allow(system, kind) {
  switch (system) {
    case "macos":
      return `Switch Maru on in System Settings → Privacy & Security → ${PRIVACY[kind]}, and start Maru again.`;
    case "windows":
      return (
        `Switch on “${PRIVACY[kind]} access” and “Let desktop apps access your ${PRIVACY[kind].toLowerCase()}” in ` +
        `Settings → Privacy & security → ${PRIVACY[kind]}.`
      );
    default:
      return `Your account may have to be in the group “${kind === "camera" ? "video" : "audio"}”; log out and in after that.`;
  }
}

/** @type {Record<import("../types/engine").NameField, string>} */
const NAME = { room: "room name", display: "display name" };

/** @type {Record<import("../types/protocol").ErrorCode, string>} */
const REFUSALS = {
  malformed: "The server does not understand this app. Update Maru if this happens again.",
  message_too_large: "The server refused a message because it is too large. Update Maru if this happens again.",
  too_many_messages: "Too many messages at once: the server dropped some. Wait a moment.",
  too_many_connections:
    "There are too many connections from your network to this server. Close one, or try again later.",
  too_many_joins: "Too many joined from your network in a short time. Wait a moment, then try again.",
  overloaded: "The server is full just now. Wait a moment, then try again.",
  unsupported_version: "This server and this app are too different. Update Maru on both sides to the same version.",
  bad_room_name: "The server does not take this room name. Choose another one.",
  bad_display_name: "The server does not take this name. Choose another one.",
  room_full: "The room is full. Wait until somebody leaves, or use another room.",
  not_joined: "The server does not know you in this room any more. Join again.",
  already_joined: "You are in a room already. Leave it first.",
  no_such_peer: "Somebody left just now.",
  unauthorized: "This server is private. Ask whoever runs it for an address with the access token in it.",
  join_timeout: "No room was joined in time. Join again.",
  internal: "Something went wrong in the server. Try again in a moment.",
};

/**
 * Why a connection failed, where it is not a library that says it.
 * @type {Record<string, string>}
 */
const FAILURES = {
  path_lost: "the path was lost",
  closed: "the connection was closed",
  closed_there: "the other side closed the connection",
  overrun: "it was overrun",
};

/** @type {Notices} */
const notices = {
  name_empty: ({ field }) => `The ${NAME[field]} is empty. Type at least one character.`,
  name_too_long: ({ field, length, limit }) => `The ${NAME[field]} has ${length} characters. ${limit} is the most.`,
  name_control_character: ({ field }) =>
    `The ${NAME[field]} contains a control character. Use letters, digits, spaces and punctuation.`,
  invite_no_room: () =>
    "The invite names no room. It looks like https://example.org/standup; ask for it again, or type the room’s name.",
  invite_bad_address: ({ address }) =>
    `“${address}” in the invite is not a server’s address. It looks like https://example.org/standup; ask for it again.`,

  refused: ({ code }) => REFUSALS[code],
  server_silent: () => "The server does not answer. Try again, or use another server.",
  server_ended: () => "The server ended the call. Join again later.",
  server_lost: () => "The connection to the server was lost.",
  server_bad_address: ({ address }) =>
    `“${address}” is not a server address. It looks like wss://example.org or ws://192.168.1.5:6278.`,
  server_wrong_scheme: ({ scheme }) => `A server address starts with ws:// or wss://, not with ${scheme}://.`,
  server_unknown_host: ({ host }) =>
    `The server ${host} cannot be reached (no such host). Check the address and your network.`,
  server_nothing_listens: ({ host }) =>
    `The server ${host} cannot be reached (nothing listens there). Check the address and your network.`,
  server_hung_up: ({ host }) =>
    `The server ${host} cannot be reached (it closed the connection). Check the address and your network.`,
  server_unreachable: ({ host, problem }) =>
    `The server ${host} cannot be reached (${problem}). Check the address and your network.`,
  server_timed_out: ({ host }) => `The server ${host} does not answer. Check the address and your network.`,
  server_not_trusted: ({ host, problem }) =>
    `The server ${host} has no certificate that this computer trusts (${problem}). Use a server with a valid certificate.`,
  server_not_maru: ({ host }) => `${host} is not a Maru server. Check the address.`,
  server_other_version: ({ host }) =>
    `The server ${host} is of another version of Maru. Update the server, or this app.`,
  automatic_port_taken: ({ port }) =>
    `Port ${port} of this machine is in use by a program that is not Maru, so calls without a server of their own ` +
    "cannot start. Stop that program, or enter the address of a Maru server.",
  automatic_other_version: ({ version }) =>
    `Another version of Maru (${version}) is running on this machine. Close it, or install the same version of both.`,
  automatic_failed: ({ problem }) =>
    `The server on this machine does not start (${problem}). Restart Maru, or enter the address of a server.`,

  in_a_room_already: () => "You are in a room already. Leave it first.",
  joined_elsewhere: () => "You joined this room again elsewhere, so this call ended.",
  peer_no_path: ({ name }) =>
    `No connection to ${name} could be made (no path was found). Ask them to join again.`,
  peer_failed: ({ name, problem }) =>
    `No connection to ${name} could be made (${FAILURES[problem] ?? problem}). Ask them to join again.`,
  no_relay: () =>
    "This server has no relay, and you want to go through a relay only: nobody can be reached. Choose another " +
    "server, or let others learn your address.",

  chat_not_in_a_room: () => "You are not in a room, so nobody can read this. Join a room first.",
  chat_too_long: ({ bytes, limit }) => `The message has ${bytes} bytes. ${limit} is the most: send it in parts.`,
  chat_too_fast: ({ messages, seconds }) =>
    `That was too fast: at most ${messages} messages in ${seconds} seconds. Send it again in a moment.`,

  file_not_in_a_room: () => "You are not in a room, so nobody can take this file. Join a room first.",
  file_nobody: () => "Nobody is connected who could take this file. Wait until somebody is here.",
  file_not_for: ({ name }) => `${name} cannot take files: their program is too old for that, or another one.`,
  file_too_large: ({ name, limit }) => `“${name}” is too large: ${bytes(limit)} is the most. Send it in parts.`,
  file_too_many: ({ name, limit }) =>
    `${limit} files are on their way to ${name} already. Wait until one of them is through.`,
  file_not_picked: () => "This file is not known any more. Pick it again.",
  file_not_a_file: ({ name }) => `“${name}” is not a file. Pick a file; put a folder into an archive first.`,
  file_vanished: ({ name }) => `“${name}” was moved, deleted or changed since you picked it. Pick it again.`,
  file_unreadable: ({ name, problem }) => `“${name}” cannot be read: ${problem}.`,
  file_no_folder: () => "There is no folder for downloads on this machine. Make one, and start Maru again.",
  file_disk_full: () => "There is no space left for this file on your disk. Make room, and ask for it again.",
  file_not_saved: ({ problem }) =>
    `The file cannot be saved: ${problem}. Check that you may write to the folder for downloads.`,
  file_damaged: () => "The file arrived damaged and was thrown away. Ask for it again.",
  file_garbled: ({ name }) =>
    `What came from ${name} is not what was offered, so nothing was kept. Ask for it again.`,
  file_peer_left: ({ name }) => `${name} left before the file was through. Send it again when both are here.`,
  file_peer_vanished: ({ name }) => `The file was moved or changed on ${name}’s side. Ask for it again.`,
  file_peer_too_many: ({ name }) => `${name} has too many files to answer for. Send it again later.`,
  file_peer_too_large: ({ name }) => `The file is larger than ${name} can take. Send it in parts.`,
  file_peer_disk_full: ({ name }) => `The disk of ${name} is full.`,
  file_peer_damaged: ({ name }) => `The file arrived damaged at ${name} and was thrown away. Send it again.`,
  file_peer_not_saved: ({ name }) => `${name} could not save the file. Send it again.`,
  file_too_large_here: ({ limit }) =>
    `This browser can keep files of at most ${bytes(limit)}. Use a current one that is not in private mode, or the app.`,

  screen_not_in_a_room: () => "Join a room first, then share your screen.",
  screen_unknown: () => "What you chose to share is not there any more. Choose another screen or window.",
  screen_closed: ({ name }) => `“${name}” was closed, so it is not shared any more. Choose another screen or window.`,
  screen_denied: ({ system }) =>
    "The system does not let Maru see the screen. " +
    (system === "macos"
      ? "Switch Maru on in System Settings → Privacy & Security → Screen & System Audio Recording, and start Maru again."
      : system === "windows"
        ? "Ask whoever looks after this computer, or choose another window."
        : "Allow it in the system's dialog when it asks, or in its settings."),
  screen_unsupported: ({ system, problem }) =>
    `Screens and windows cannot be shared here: ${problem}. ` +
    (system === "linux"
      ? "On Wayland, sharing goes through the desktop's portal (xdg-desktop-portal with PipeWire); or log in with a " +
        "session “on Xorg”."
      : "A newer version of the system may help."),
  screen_file: ({ path, problem }) => `The file ${path} cannot be shared: ${problem}.`,
  screen_failed: ({ name, problem }) => `“${name}” cannot be shared: ${problem}.`,

  device_none: ({ kind }) => `There is no ${DEVICE[kind]}. Connect one, or go on without.`,
  device_unknown: ({ kind, id }) => `There is no ${DEVICE[kind]} “${id}”. Choose another one.`,
  device_busy: ({ kind, name, system }) =>
    `The ${DEVICE[kind]} “${name}” is in use by another program. Close that program, or choose another ` +
    `${DEVICE[kind]}.` +
    (system === "windows" && kind !== "camera"
      ? " If it happens again: Settings → System → Sound → the device → Advanced, and do not let applications take " +
        "exclusive control."
      : ""),
  device_denied: ({ kind, system }) => `The system does not let Maru use the ${DEVICE[kind]}. ${allow(system, kind)}`,
  device_lost: ({ kind, name }) =>
    `The ${DEVICE[kind]} “${name}” is gone. Connect it again, or choose another ${DEVICE[kind]}.`,
  device_file: ({ kind, path, problem }) => `The file ${path} cannot be used as a ${DEVICE[kind]}: ${problem}.`,
  device_failed: ({ kind, name, problem }) =>
    `The ${DEVICE[kind]} “${name}” does not work${problem === "" ? "" : `: ${problem}`}.`,

  device_replaced: ({ kind, name, instead, follows_system }) =>
    `The ${DEVICE[kind]} “${name}” is gone. “${follows_system ? systemDefault(instead) : instead}” is used until it ` +
    "is back.",
  device_back: ({ kind, name }) => `The ${DEVICE[kind]} “${name}” is back and used again.`,

  guests_not_let_in: ({ problem }) => `Browsers on this network cannot join: ${problem}`,
  folder_not_opened: ({ path }) => `The folder cannot be opened from here. It is ${path}.`,
  no_logs: () => "There is no folder for logs on this machine.",
  settings_not_saved: ({ problem }) =>
    `The settings cannot be saved (${problem}). Check that the disk is not full and that you may write there.`,
  token_not_kept: ({ problem }) =>
    `This computer has no place to keep the server’s access token safe (${problem}). Maru uses it until you close ` +
    "the window; enter the address with the token again next time.",
  settings_broken: ({ file }) =>
    `The settings could not be read, so Maru starts with its usual ones. The old file is kept as ${file}.`,
  settings_newer: () =>
    "The settings were written by a newer version of Maru. This one uses what it understands and changes nothing " +
    "there: what you change now holds until you close the window.",
  shortcut_taken: ({ shortcut }) => `Another program has the keys ${shortcut}. Choose others.`,
  shortcut_unknown: ({ shortcut }) =>
    `${shortcut} cannot be used everywhere. Hold Ctrl, Alt or ⌘, and press one more key.`,
  shortcut_wayland: () =>
    "This desktop (Wayland) lets no app listen for keys while another one is in front. Keys for everywhere work on X11.",
  window_not_opened: ({ problem }) => `No other window could be opened (${problem}). Start Maru anew with --new-window.`,
  update_failed: ({ problem }) => `The update could not be installed (${problem}). Try again later.`,
  update_in_call: () => "Maru is not updated during a call. Leave it first.",

  page_not_secure: () =>
    "Browsers give the camera and the microphone only to pages that came over https. You can join, watch and " +
    "listen; to be seen and heard, ask for a link that starts with https://.",
  no_webrtc: () =>
    "This browser cannot make calls (it has no WebRTC, or it is switched off). Use a current Chrome, Edge, " +
    "Firefox or Safari.",
  no_devices: () => "No camera and no microphone were found. You can join, watch and listen; connect one at any time.",
  no_common_codec: ({ name }) =>
    `You and ${name} have no video format in common, so there is no picture between you. Sound and chat work. ` +
    "Another browser may help.",
  permission_denied: ({ kind }) =>
    `The browser does not let this page use the ${DEVICE[kind]}. Click the sign beside the page’s address, allow ` +
    `the ${DEVICE[kind]}, and choose it again.`,
  screen_refused: () =>
    "The system does not let this browser show the screen. Allow it in the system’s settings, and start the browser again.",
  screen_failed_here: ({ problem }) =>
    `This browser could not share the screen${problem === "" ? "" : ` (${problem})`}. Try again, or choose something else.`,
  device_in_use: ({ kind, name }) =>
    `The ${DEVICE[kind]} “${name}” is in use by another program or page. Close that one, or choose another ` +
    `${DEVICE[kind]}.`,
  device_missing: ({ kind }) => `The chosen ${DEVICE[kind]} is not connected. Choose another one.`,
  settings_not_kept: () => "This browser lets the page keep nothing: your name and choices hold until you close it.",
  part_not_loaded: () =>
    "This part of the page could not be loaded. Check your network and try again; if that does not help, reload the page.",

  sound_blocked: () => "Your browser keeps the others silent until you tap the page.",
};

export const en = {
  appName: "Maru",
  tagline: "Type a room’s name or paste an invite. Whoever types the same name is there with you.",
  taglineGuest: "Nothing to install. Say who you are and you are in.",

  // Join screen
  joinTitle: "Join a room",
  /** @param {string} room */
  joinTitleOf: (room) => `Join ${room}`,
  nameLabel: "Your name",
  namePlaceholder: "How the others see you",
  roomLabel: "Room",
  roomPlaceholder: "standup",
  newRoom: "New room",
  // Names for new rooms are made of them: each one a word that is easy to say, hear and spell.
  roomWordsFirst:
    "amber autumn bold brave bright calm cedar clear clever cloudy copper coral cosy crisp curious dapper early eager " +
    "frosty gentle ginger golden green happy hazel humble indigo ivory jolly kind lemon light lively lucky maple mellow " +
    "merry misty noble olive pearl plum polite proud quick quiet rosy royal ruby rustic sandy silver spring sunny swift " +
    "tidy velvet violet warm wild windy wise witty",
  roomWordsSecond:
    "acorn badger bakery bamboo beacon birch bridge brook candle canyon castle cherry cloud comet cottage cricket dolphin " +
    "falcon fern fiddle forest fountain fox garden harbour heron hill island kettle kite lagoon lantern lark library " +
    "lighthouse lion lizard marble meadow melon moon mountain orchard otter owl panda parrot pebble pepper piano planet " +
    "puffin rabbit river robin sparrow squirrel teapot tiger tulip turtle valley village walnut willow window",
  join: "Join",
  joinAgain: "Join again",
  joining: "Joining…",
  /** @param {string} host */
  connectingTo: (host) => `Connecting to ${host}…`,
  /** @param {string} room */
  leftRoom: (room) => `You left ${room}.`,
  cancel: "Cancel",
  advanced: "Advanced",
  serverLabel: "Server",
  serverPlaceholder: "Automatic",
  serverHint: "Leave this empty to need none. Else an address such as wss://maru.example.com.",
  forceFallback: "Decode pictures in the app, not in the window",
  forceFallbackHint: "Slower. Try it when the others’ pictures are broken or missing.",
  syntheticDevices: "Offer a test pattern and a test tone as devices",
  findOnNetwork: "Find rooms on this network",
  findOnNetworkHint: "Whoever types the same room’s name on your network is there with you. Nobody else can read the name.",
  addressesLabel: "What others learn of your address",
  addressesAll: "All of it, for the shortest path",
  addressesHidePrivate: "No addresses of your own network",
  addressesRelayOnly: "Nothing: only through the server’s relay",
  addressesHint: "The relay makes the way longer. Where a server has none, nobody can be reached through it.",
  guestsOnNetwork: "Let browsers on this network join",
  guestsOnNetworkHint: "Computers and phones on your network can then open the room’s link without the app.",
  languageLabel: "Language",
  languageSystem: "As the system",
  previewLabel: "Your camera’s picture",
  recentRooms: "Recent rooms",

  // On this computer
  desktopTitle: "Maru and your other apps",
  desktopNotify: "Tell me when somebody joins or writes while I use another app",
  desktopNotifyText: "Show in it what was written",
  desktopNotifyTextHint: "Notifications can be read on a locked screen, and by whoever sees your screen.",
  desktopMini: "Small window with whoever speaks while I use another app",
  desktopMuteKeys: "Mute from any app",
  desktopTalkKeys: "Talk from any app while held",
  desktopKeysPlaceholder: "No keys",
  desktopKeysHint: "Click here and press the keys. Backspace takes them away.",
  newWindow: "New window",
  newWindowHint: "For another call beside this one.",

  // The check before a call
  checkOpen: "Check camera, sound and connection",
  checkTitle: "Camera, sound and connection",
  checkAgain: "Check again",
  check: {
    steps: {
      camera: "Camera",
      microphone: "Microphone",
      speaker: "Speaker",
      server: "Server",
      udp: "Direct path (UDP)",
      relay: "Relay",
    },
    waiting: "Comes next",
    running: "Checking…",
    noAnswer: "No answer in time. Check your network, then check again.",
    untried: "Not checked: that needs the server.",
    cameraOpens: "Looking at the camera’s pictures…",
    /** @param {number} fps */
    cameraGood: (fps) => `Works, with ${fps} pictures a second.`,
    /** @param {number} fps */
    cameraSlow: (fps) => `Gives only ${fps} pictures a second. More light or fewer open programs may help.`,
    cameraFails: "Gives no pictures. Choose another one, connect it again, or close other programs that use it.",
    cameraOff: "Is off. Turn it on to check it; a call works without too.",
    cameraNone: "None is chosen. A call works without one too.",
    microphoneSpeak: "Say something…",
    microphoneGood: "You can be heard.",
    microphoneSilent: "Nothing is heard. Speak, choose another microphone, or raise its level in the system’s settings.",
    microphoneOff: "Is muted. Unmute to check it.",
    microphoneNone: "None is chosen. You will not be heard.",
    speakerAsk: "A sound is played. Did you hear it?",
    yes: "Yes",
    no: "No",
    speakerGood: "You hear the others.",
    speakerNotHeard: "Raise the volume, or choose another speaker, and check again.",
    speakerNoAnswer: "You did not say whether you heard it.",
    speakerNone: "None is chosen. You will hear nobody.",
    /** @param {number} ms */
    serverGood: (ms) => `Reached in ${ms} ms.`,
    udpGood: "Gets through.",
    udpBlocked: "Is blocked on this network. Calls go through the relay, which takes longer.",
    udpUnknown: "Cannot be checked: this server has no STUN. Within one network none is needed.",
    relayGood: "Works, where there is no direct path.",
    /** @param {string} protocol */
    relayGoodBy: (protocol) => `Works by ${protocol}, where there is no direct path.`,
    relayFails: "Does not answer. Without a direct path nobody can be reached: try another network.",
    relayNone: "This server has none. People behind a strict firewall may be out of reach.",
  },

  // Links
  /** @param {string} room */
  linkTo: (room) => `You opened a link to the room ${room}. Join it?`,
  /** @param {string} room */
  linkToInCall: (room) => `You opened a link to the room ${room}. Leave this call and join there?`,
  leaveAndJoin: "Leave and join",
  openSettings: "Open the settings",
  /** @param {string} version */
  updateThere: (version) => `Maru ${version} is there.`,
  updateInstall: "Install and start anew",

  // Menus and notifications of the system
  menuShow: "Show Maru",
  menuQuit: "Quit Maru",
  menuAbout: "About Maru",
  menuHide: "Hide Maru",
  menuHideOthers: "Hide others",
  menuShowAll: "Show all",
  menuFile: "File",
  menuClose: "Close window",
  menuEdit: "Edit",
  menuUndo: "Undo",
  menuRedo: "Redo",
  menuCut: "Cut",
  menuCopy: "Copy",
  menuPaste: "Paste",
  menuSelectAll: "Select all",
  menuCall: "Call",
  menuWindow: "Window",
  menuMinimize: "Minimize",
  menuZoom: "Zoom",
  menuFullscreen: "Full screen",
  menuHelp: "Help",
  /** @param {string} name */
  wroteMessage: (name) => `${name} wrote a message.`,
  awakeReason: "A call is on",

  // The small window
  miniLabel: "Call",
  backToWindow: "Back to Maru",

  // Devices
  cameraLabel: "Camera",
  microphoneLabel: "Microphone",
  speakerLabel: "Speaker",
  noCamera: "No camera",
  noMicrophone: "No microphone",
  noSpeaker: "No speaker",
  systemDefault,
  testSpeaker: "Play a test sound",
  missingDevice: "Not connected",
  levelLabel: "Microphone level",
  voiceTitle: "Your voice",
  voiceEcho: "Remove echo",
  voiceAuto: "When there is one",
  voiceOn: "On",
  voiceOff: "Off",
  voiceNoise: "Lower noise around you",
  voiceGain: "Keep your voice at an even level",
  devicesTitle: "Camera and sound",
  flipCamera: "Switch between front and back camera",

  // Own picture
  you: "You",
  selfCameraOff: "Your camera is off",
  selfNoCamera: "No camera chosen",
  selfStarting: "Starting the camera…",
  selfNoPicture: "No picture from this camera",

  // Call screen
  callLabel: "Call",
  stageLabel: "Participants",
  controlsLabel: "Call controls",
  mute: "Mute",
  unmute: "Unmute",
  muteLabel: "Mute microphone",
  cameraOff: "Turn camera off",
  cameraOn: "Turn camera on",
  cameraOffLabel: "Turn camera off",
  devices: "Camera and sound",
  chat: "Chat",
  leave: "Leave",
  close: "Close",
  waitingTitle: "You’re the first one here",
  waitingTitleAgain: "Everybody else has left",
  waitingText: "Or they type the room’s name in Maru:",
  copyRoom: "Copy the room’s name",
  copied: "Copied",
  copyFailed: "Press Ctrl+C or ⌘C to copy what is selected.",
  connecting: "Connecting…",
  restarting: "Reconnecting…",
  closed: "No connection",
  waitingForVideo: "Waiting for the picture…",
  serverReconnecting: "The server is out of reach. The call goes on; reconnecting…",
  /** @param {number} count everybody in the room, oneself included */
  participants: (count) => (count === 1 ? "Only you" : `${count} people`),

  // Sharing a screen
  share: "Share your screen",
  stopSharing: "Stop sharing",
  menuShare: "Share your screen…",
  sharingLabel: "What you share",
  /** @param {string} name */
  youShare: (name) => `You’re sharing “${name}”`,
  youShareUnnamed: {
    screen: "You’re sharing your screen",
    window: "You’re sharing a window",
    portal: "You’re sharing what you chose",
  },
  /** @param {string} name */
  screenOf: (name) => `${name}’s screen`,
  sharedScreens: "Shared screens",
  waitingForScreen: "Waiting for the screen…",
  shareActual: "Actual size",
  shareFit: "Fit to the window",
  fullscreen: "Full screen",
  leaveFullscreen: "Leave full screen",
  pickTitle: "What do you want to share?",
  pickText: "Everybody in the room sees it, and all that happens on it, until you stop.",
  pickScreens: "Screens",
  pickWindows: "Windows",
  pickPortal: "Choose in the desktop’s own dialog…",
  pickLoading: "Looking for screens and windows…",
  pickNothing: "There is nothing to share here.",
  pickShare: "Share",

  // Invitation
  invite: "Invite",
  inviteTitle: "Invite others",
  inviteText: "Send others this link. It opens in any browser, without the app.",
  copyLink: "Copy the link",
  noLink: "There is no link to this room. Others join by typing its name in Maru:",
  linkScopes: {
    machine: "The link works on this computer only.",
    network: "The link works on this network only.",
    public: "The link works from anywhere.",
  },
  fingerprintText:
    "The browser will warn that it does not know this computer’s certificate. Before going on, compare the certificate’s SHA-256 fingerprint there with this one:",
  qrLabel: "QR code of the link, for a phone’s camera",

  // How loud somebody is here
  /** @param {string} name */
  volumeOf: (name) => `Volume of ${name}`,
  /** @param {string} name */
  muteForMe: (name) => `Mute ${name} for me`,
  mutedHint: "You’re muted: nobody hears you.",

  // How a connection is
  /** @param {string} name */
  connectionOf: (name) => `Connection to ${name}`,
  /** One plain sentence at the top. */
  verdicts: {
    measuring: "Measuring…",
    well: "All is well.",
    relay: "Sound and picture go through a relay, since no direct path was found.",
    relayWanted: "Sound and picture go through a relay, as you wished.",
    cpu: "This machine is too slow for this picture size, so it sends smaller pictures.",
    /** @param {number} percent */
    uplinkLoss: (percent) => `Your uplink loses ${percent} %.`,
    /** @param {number} percent */
    downlinkLoss: (percent) => `Your downlink loses ${percent} %.`,
    /** @param {string} name @param {number} percent */
    sentLoss: (name, percent) => `${name}’s connection loses ${percent} % of what you send.`,
    /** @param {string} name @param {number} percent */
    receivedLoss: (name, percent) => `${name}’s connection loses ${percent} % of what comes from there.`,
    /** @param {string} name @param {number} ms */
    far: (name, ms) => `The way to ${name} is long: it takes ${ms} ms there and back.`,
    /** @param {string} name @param {number} percent */
    uneven: (name, percent) => `${name}’s sound comes unevenly: ${percent} % of it had to be made up.`,
  },
  markFair: "connection is fair",
  markBad: "connection is bad",
  diagnostics: "Report",
  copyDiagnostics: "Copy a report",
  diagnosticsCopied: "Copied. This is all of it: no names, no rooms, no addresses.",
  openLogs: "Open the folder of the logs",
  figurePath: "Path",
  pathNetwork: "Direct, on this network",
  pathInternet: "Direct, over the internet",
  pathRelay: "Through a relay",
  /** @param {string} protocol */
  pathRelayBy: (protocol) => `Through a relay, by ${protocol}`,
  figureRoundTrip: "Round trip",
  figureLossSent: "Lost on the way there",
  figureLossReceived: "Lost on the way here",
  figureSent: "Sent",
  figureReceived: "Received",
  figureFps: "Pictures a second",
  figurePictureThere: "Picture sent",
  figurePictureHere: "Picture received",
  figureEncoder: "Encoded by",
  figureGivesWay: "Limited by",
  figureJitterBuffer: "Jitter buffer",
  figureConcealed: "Sound filled in",
  figureSound: "Sound",
  encodedByHardware: "hardware",
  encodedBySoftware: "software",
  givesWay: { none: "Nothing", cpu: "This machine’s speed", bandwidth: "The network", other: "Something else" },
  /** @param {string} now @param {string} target */
  bufferOf: (now, target) => `${now} (target: ${target})`,
  unknownFigure: "Not known",
  /** @param {string} lowest @param {string} highest */
  lastMinute: (lowest, highest) => `Last minute: from ${lowest} to ${highest}`,

  // Marks, read out
  markMuted: "muted",
  markCameraOff: "camera off",
  markSharing: "shares a screen",
  markMutedForMe: "muted for you",

  // Chat
  chatTitle: "Chat",
  chatEmpty: "Nothing said yet. Everybody who is in the room reads what you write here.",
  chatPlaceholder: "Write to everybody",
  chatInputLabel: "Message",
  send: "Send",
  chatTooLong: "This message is too long. Shorten it or send it in parts.",
  // Files
  attach: "Send files",
  dropHere: "Drop files here to offer them to everybody",
  accept: "Accept",
  decline: "Decline",
  /** @param {string} file */
  acceptFile: (file) => `Accept ${file}`,
  /** @param {string} file */
  declineFile: (file) => `Decline ${file}`,
  /** @param {string} file */
  cancelFile: (file) => `Cancel ${file}`,
  /** @param {string} file */
  progressOf: (file) => `Progress of ${file}`,
  /** @param {string} name */
  fileTo: (name) => `To ${name}`,
  /** @param {string} name */
  fileFrom: (name) => `From ${name}`,
  /** @param {string} moved @param {string} size */
  fileMoved: (moved, size) => `${moved} of ${size}`,
  /** @param {number} seconds */
  secondsLeft: (seconds) => (seconds === 1 ? "1 second left" : `${seconds} seconds left`),
  /** @param {number} minutes */
  minutesLeft: (minutes) => (minutes === 1 ? "1 minute left" : `${minutes} minutes left`),
  fileAsked: "Waiting for an answer",
  fileWaiting: "Waiting for the connection; it goes on by itself",
  fileChecking: "Checking…",
  fileSent: "Sent",
  /** @param {string} name */
  fileSaved: (name) => `Saved as ${name}`,
  fileDeclined: "Declined",
  fileCancelled: "Cancelled",
  /** @param {number} count */
  unread: (count) => (count === 1 ? "1 unread message" : `${count} unread messages`),

  // Notice
  dismiss: "Dismiss",
  tryAgain: "Try again",
  chooseDevices: "Choose devices",
  changeServer: "Change the server",
  reload: "Reload",
  stopTitle: "Maru cannot start here",
  tapToHear: "Tap to hear",
  notices,

  // Said by the live region
  /** @param {string} name */
  saidJoined: (name) => `${name} joined.`,
  /** @param {string} name */
  saidLeft: (name) => `${name} left.`,
  /** @param {string} name */
  saidRestarting: (name) => `The connection to ${name} broke. Reconnecting.`,
  /** @param {string} name */
  saidBack: (name) => `The connection to ${name} is back.`,
  /** @param {string} room */
  saidInRoom: (room) => `You are in the room ${room}.`,
  saidAlone: "You’re the first one here.",
  saidLeftCall: "You left the room.",
  /** @param {string} room */
  saidNewRoom: (room) => `The new room is called ${room}.`,
  saidServerLost: "The server is out of reach. The call goes on.",
  saidServerBack: "The server is back.",
  saidMuted: "Microphone muted.",
  saidUnmuted: "Microphone on.",
  saidCameraOff: "Camera off.",
  saidCameraOn: "Camera on.",
  saidSharing: "The others see what you share.",
  saidNotSharing: "You stopped sharing.",
  /** @param {string} name */
  saidShares: (name) => `${name} shares a screen.`,
  /** @param {string} name */
  saidSharesNoMore: (name) => `${name} stopped sharing.`,
  /** @param {string} name @param {string} text */
  saidChat: (name, text) => `${name}: ${text}`,

  /** @param {string} name @param {string} file */
  saidFileOffered: (name, file) => `${name} offers the file ${file}.`,
  /** @param {string} file */
  saidFileDone: (file) => `The file ${file} is through.`,
  /** @param {string} file */
  saidFileEnded: (file) => `The file ${file} did not get through.`,

  // Keys
  keyControl: "Ctrl",
  keyShift: "Shift",
};
