// @ts-check
// Every text that the UI shows, in one place. Sentences about what went wrong in the call come from
// the backend and are not here.

export const strings = {
  appName: "Maru",
  tagline: "Type a room’s name. Whoever types the same one is there with you.",

  // Join screen
  joinTitle: "Join a room",
  nameLabel: "Your name",
  namePlaceholder: "How the others see you",
  roomLabel: "Room",
  roomPlaceholder: "standup",
  join: "Join",
  joining: "Joining…",
  cancel: "Cancel",
  advanced: "Advanced",
  serverLabel: "Server",
  serverPlaceholder: "Automatic",
  serverHint: "Leave this empty to use the server on this machine. Else an address such as wss://maru.example.com.",
  forceFallback: "Decode pictures in the app, not in the window",
  forceFallbackHint: "Slower. Try it when the others’ pictures are broken or missing.",
  syntheticDevices: "Offer a test pattern and a test tone as devices",
  previewLabel: "Your camera’s picture",

  // Devices
  cameraLabel: "Camera",
  microphoneLabel: "Microphone",
  speakerLabel: "Speaker",
  noCamera: "No camera",
  noMicrophone: "No microphone",
  noSpeaker: "No speaker",
  missingDevice: "Not connected",
  levelLabel: "Microphone level",
  devicesTitle: "Camera and sound",

  // Own picture
  you: "You",
  selfCameraOff: "Your camera is off",
  selfNoCamera: "No camera chosen",
  selfStarting: "Starting the camera…",

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
  waitingText: "Others join by typing the same room name:",
  copyRoom: "Copy the room’s name",
  copied: "Copied",
  copyFailed: "Press Ctrl+C or ⌘C to copy the selected name.",
  connecting: "Connecting…",
  restarting: "Reconnecting…",
  closed: "No connection",
  waitingForVideo: "Waiting for the picture…",
  serverReconnecting: "The server is out of reach. The call goes on; reconnecting…",
  /** @param {number} count everybody in the room, oneself included */
  participants: (count) => (count === 1 ? "Only you" : `${count} people`),

  // Marks, read out
  markMuted: "muted",
  markCameraOff: "camera off",

  // Chat
  chatTitle: "Chat",
  chatEmpty: "Nothing said yet. Everybody who is in the room reads what you write here.",
  chatPlaceholder: "Write to everybody",
  chatInputLabel: "Message",
  send: "Send",
  chatTooLong: "This message is too long. Shorten it or send it in parts.",
  /** @param {number} count */
  unread: (count) => (count === 1 ? "1 unread message" : `${count} unread messages`),

  // Notice
  dismiss: "Dismiss",
  tryAgain: "Try again",
  chooseDevices: "Choose devices",
  reload: "Reload",
  notInApp: "This page is the inside of the Maru app. Open the app to use it.",

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
  saidServerLost: "The server is out of reach. The call goes on.",
  saidServerBack: "The server is back.",
  saidMuted: "Microphone muted.",
  saidUnmuted: "Microphone on.",
  saidCameraOff: "Camera off.",
  saidCameraOn: "Camera on.",
  /** @param {string} name @param {string} text */
  saidChat: (name, text) => `${name}: ${text}`,

  // Keys
  keyControl: "Ctrl",
  keyShift: "Shift",
};
