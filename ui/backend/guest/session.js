// @ts-check
// One participant's call in a browser: takes commands, brings media and devices in line with the call's state, and shows
// the result. The counterpart of the app's engine (`actor.rs`); the same commands come in, the same views and events go out.

import { sentenceOf } from "../../strings.js";
import { addressOf } from "./address.js";
import { Call } from "./call.js";
import { playChime } from "./chime.js";
import { shareVideo, videoCodecs } from "./codecs.js";
import { Conversation } from "./conversation.js";
import { Devices } from "./devices.js";
import { Driver } from "./driver.js";
import { namesRelay } from "./ice.js";
import { Links } from "./links.js";
import { LevelMeters } from "./levels.js";
import { parseName } from "./names.js";
import { WakeLock, watchPage } from "./page.js";
import { Playback } from "./playback.js";
import { Share } from "./share.js";
import { keepPlace } from "./storage.js";
import { describe } from "./view.js";
import { Volumes } from "./volumes.js";

/** @typedef {import("../../strings/dictionary").Said} Said */
/** @typedef {import("../../types/engine").AddressPolicy} AddressPolicy */
/** @typedef {import("../../types/engine").CallView} CallView */
/** @typedef {import("../../types/engine").Command} Command */
/** @typedef {import("../../types/engine").Event} Event */
/** @typedef {import("../../types/engine").Notice} Notice */
/** @typedef {import("../../types/engine").NoticeCode} NoticeCode */
/** @typedef {import("./call").Input} Input */
/** @typedef {import("./storage").Place} Place */

/** Levels are shown, and slow changes looked for, this often. */
const TICK_MS = 100;
/** Beside the peers' voices, by what no peer is called. */
const CHIME = "";
/** Progress of files is shown this often. */
const PROGRESS_MS = 500;
/** Whether pictures arrive is counted this often. */
const COUNT_MS = 1000;
/** How the connections are is told this often. */
const STATS_MS = 1000;

export class Session {
  #onEvent;
  #version;
  #call;
  #driver;
  #codecs;
  #devices;
  #playback;
  #volumes = new Volumes();
  #levels = new LevelMeters();
  /** @type {Conversation} */
  #conversation;
  #wakeLock = new WakeLock();
  #share = new Share({
    onChange: () => this.#shared(),
    onTrouble: (denied, problem) =>
      this.#tell("screen", denied ? { key: "screen_refused", values: {} } : { key: "screen_failed_here", values: { problem } }),
  });
  #links;
  #addresses;
  /** @type {object | null} the sound that the speaker is tried with, while it plays */
  #testing = null;
  /** @type {Notice | null} */
  #notice = null;
  #name = "";
  /** @type {Set<string>} peers with whom there is no picture, and the person was told so */
  #pictureless = new Set();
  /** @type {string} the view that was shown last */
  #shown = "";

  /**
   * @param {object} options
   * @param {import("../../types/shell").Settings} options.settings
   * @param {string} options.version
   * @param {string} options.token of a private server; empty for none
   * @param {(event: Event) => void} options.onEvent
   */
  constructor({ settings, version, token, onEvent }) {
    this.#onEvent = onEvent;
    this.#version = version;
    this.#name = settings.name;
    this.#addresses = settings.addresses;
    this.#codecs = videoCodecs(RTCRtpReceiver, RTCRtpSender);
    const identity = {
      client: { name: "maru-guest", version },
      capabilities: { video_codecs: this.#codecs, chat: true, files: true, screen: true },
      ...(token === "" ? {} : { token }),
    };
    this.#call = new Call(identity, Math.random);
    this.#devices = new Devices(settings, {
      onTrack: (kind, track) => this.#captured(kind, track),
      onTell: (kind, said) => this.#tell(kind, said),
      onChange: () => this.#update(),
    });
    this.#playback = new Playback({
      onBlocked: () => this.#tell("speaker", { key: "sound_blocked", values: {} }),
      onSpeakerTrouble: () => this.#devices.speakerFailed(),
      gain: (peer) => this.#volumes.gain(peer),
    });
    this.#links = new Links({
      onEvent: (peer, generation, event) => this.#input({ type: "connection", peer, generation, event }),
      onChat: (peer, text) => this.#conversation.heard(peer, text),
      onFiles: (peer, channel) => this.#conversation.channel(peer, channel),
      onSound: (peer, track) => {
        this.#levels.setPeer(peer, track);
        if (track) this.#playback.play(peer, track);
        else this.#playback.stop(peer);
      },
      onPictures: () => this.#show(),
    });
    this.#links.setAddresses(this.#addresses);
    this.#driver = new Driver(this.#call, this.#links, {
      onInput: (input) => this.#input(input),
      onTimeout: () => this.#update(),
      onJoined: () => this.#noteMissingRelay(),
      onNotice: (code, said, text) => this.#tell(code, said, text),
    });
    this.#conversation = new Conversation({
      peers: () => this.#call.peers,
      isInCall: () => this.#isInCall,
      send: (text) => this.#links.say(text),
      onMessage: (message) => this.#said(message),
      onTrouble: (code, said) => this.#tell(code, said),
      onChange: () => this.#show(),
    });
    watchPage({
      onNetwork: (came) => {
        this.#driver.expect(false); // the next sign of the person opens another one
        this.#input({ type: "network_changed", came });
      },
      onHide: () => this.#hide(),
      onTouch: () => this.resumeSound(),
    });
    window.setInterval(() => this.#tick(), TICK_MS);
    window.setInterval(() => void this.#links.count(), COUNT_MS);
    window.setInterval(() => void this.#measure(), STATS_MS);
    window.setInterval(() => this.#conversation.isMoving && this.#show(), PROGRESS_MS);
  }

  /** @param {Place | null} place to take back */
  async start(place) {
    if (!navigator.mediaDevices) this.#tell("camera", { key: "page_not_secure", values: {} });
    await this.#devices.refresh();
    const { cameras, microphones } = this.#devices.list;
    if (navigator.mediaDevices && cameras.length + microphones.length === 0) {
      this.#tell("camera", { key: "no_devices", values: {} });
    }
    if (place) {
      this.#name = place.name;
      this.#volumes = new Volumes(place.volumes);
      const { room, name, resume } = place;
      this.#input({ type: "join", room, name, resume });
    }
    return this.#view();
  }

  /** @param {Command} command */
  command(command) {
    switch (command.type) {
      case "preview":
        this.#devices.setPreview(command.on);
        break;
      case "expect":
        return this.#driver.expect(command.room !== null);
      case "join":
        this.#join(command.room, command.name);
        break;
      case "leave":
        this.#input({ type: "leave" });
        break;
      case "set_muted":
        this.#devices.setMuted(command.muted);
        break;
      case "set_camera_off":
        this.#devices.setCameraOff(command.camera_off);
        break;
      case "select_device":
        this.#devices.choose(command.kind, command.id);
        if (this.#notice?.code === command.kind) this.#notice = null;
        break;
      case "set_peer_volume":
        this.#volumes.setVolume(command.peer, command.volume);
        this.#playback.changed(command.peer);
        break;
      case "set_peer_muted":
        this.#volumes.setMuted(command.peer, command.muted);
        this.#playback.changed(command.peer);
        break;
      case "stop_share":
        this.#share.stop();
        break;
      case "set_voice":
        this.#devices.setVoice(command.voice);
        break;
      case "set_addresses":
        this.#setAddresses(command.addresses);
        break;
      case "refresh_devices":
        void this.#devices.refresh();
        break;
      case "test_speaker":
        this.#testSpeaker();
        break;
      case "send_chat":
        this.#conversation.say(this.#name, command.text);
        break;
      case "offer_file":
        this.#conversation.offer(command.handle);
        break;
      case "accept_file":
        this.#conversation.accept(command.id);
        break;
      case "cancel_file":
        this.#conversation.cancel(command.id);
        break;
      case "dismiss_notice":
        this.#notice = null;
    }
    this.#update();
  }

  /** Has the browser ask what to show to the others; called while a tap or a key is handled. */
  async share() {
    if (this.#isInCall) await this.#share.ask();
  }

  /** Takes the camera on the other side. */
  flipCamera() {
    this.#devices.flipCamera();
    this.#update();
  }

  /** Any touch of the page will do. */
  resumeSound() {
    if (this.#notice?.key === "sound_blocked") this.#notice = null;
    this.#levels.resume();
    this.#playback.resume();
    this.#show();
  }

  /**
   * Shows a source's pictures, from now on until it is told to stop.
   * @param {string} source
   * @param {import("../../types/engine").VideoKind} stream
   * @param {import("../backend").OnPictures} onPictures
   */
  watch(source, stream, onPictures) {
    return this.#links.watch(source, stream, onPictures);
  }

  /** @param {string} room @param {string} name */
  #join(room, name) {
    // What was wrong with a device still is, and on the join form it was easy to miss.
    if (!isOfDevice(this.#notice)) this.#notice = null;
    const parsedRoom = parseName(room, "room");
    const parsedName = parseName(name, "display");
    if ("problem" in parsedRoom) return this.#tell("bad_name", parsedRoom.problem);
    if ("problem" in parsedName) return this.#tell("bad_name", parsedName.problem);
    this.#name = parsedName.name;
    if (this.#call.state === "idle") {
      this.#conversation.clear();
      this.#volumes.clear();
    }
    this.#playback.resume();
    this.#input({ type: "join", room: parsedRoom.name, name: parsedName.name, resume: null });
  }

  /** @param {Input} input */
  #input(input) {
    this.#driver.handle(input);
    this.#update();
  }

  /** Does what the state machine says, then brings media, devices and page in line with the new state. */
  #update() {
    this.#driver.perform();
    const { state, peers } = this.#call;
    // Already while joining: the devices open while the server answers.
    const joined = state !== "idle" && state !== "leaving";
    this.#devices.want(joined);
    this.#sendVoice();
    this.#playback.setSpeaker(this.#devices.speaker);
    if (!joined) this.#share.stop();
    const status = { ...this.#devices.selection.status, sharing: this.#share.track !== null };
    this.#driver.handle({ type: "status", status });
    this.#links.setPeers(peers.map((peer) => peer.id));
    this.#links.setSharing(peers.filter(({ info }) => info.status.sharing).map(({ id }) => id));
    this.#conversation.retain();
    this.#wakeLock.want(joined);
    this.#noteCodecs();
    this.#remember();
    this.#driver.schedule();
    this.#show();
  }

  #tick() {
    const levels = this.#levels.take(performance.now());
    if (levels) this.#onEvent({ type: "levels", levels });
    this.#devices.tick(performance.now());
  }

  async #measure() {
    if (this.#call.peers.length === 0) return;
    const stats = await this.#links.stats().catch(() => null); // the next second tries again
    if (stats && stats.peers.length > 0) this.#onEvent({ type: "stats", stats });
  }

  /** @param {import("./capture").CaptureKind} kind @param {MediaStreamTrack | null} track */
  #captured(kind, track) {
    if (kind === "microphone") this.#levels.setMicrophone(track);
    if (kind === "camera") this.#links.setTrack("camera", track);
    else this.#sendVoice();
    const { selection } = this.#devices;
    if (track && this.#notice?.code === kind && !selection.leaves(kind, this.#notice.key)) this.#notice = null;
    this.#show();
  }

  /**
   * What this participant shows began or ended.
   * @returns {void}
   */
  #shared() {
    // It may have been chosen when the call was over.
    if (!this.#isInCall && this.#share.track) return this.#share.stop();
    if (this.#notice?.code === "screen" && this.#share.track) this.#notice = null;
    this.#links.setTrack("screen", this.#share.track);
    this.#update();
  }

  /** What a muted microphone hears goes nowhere. */
  #sendVoice() {
    this.#links.setTrack("audio", this.#devices.selection.muted ? null : this.#devices.track("microphone"));
  }

  #testSpeaker() {
    this.#testing ??= playChime((track) => {
      if (track) return this.#playback.play(CHIME, track);
      this.#playback.stop(CHIME);
      this.#testing = null;
      this.#show();
    });
  }

  /** @param {import("../../types/engine").ChatMessage} message by whomever */
  #said(message) {
    this.#onEvent({ type: "chat", message });
    this.#show();
  }

  /**
   * Takes in files that the person picked.
   * @param {File[]} files
   */
  pickFiles(files) {
    return this.#conversation.pick(files);
  }

  get #isInCall() {
    const { state } = this.#call;
    return state === "in_call" || state === "reconnecting";
  }

  /** Tells, once for each, with whom there will be no picture. */
  #noteCodecs() {
    const { peers } = this.#call;
    for (const { id, info } of peers) {
      if (this.#pictureless.has(id) || shareVideo(this.#codecs, info.capabilities.video_codecs)) continue;
      this.#pictureless.add(id);
      this.#tell("peer", { key: "no_common_codec", values: { name: info.name } });
    }
    for (const id of this.#pictureless) {
      if (!peers.some((peer) => peer.id === id)) this.#pictureless.delete(id);
    }
  }

  /** @param {AddressPolicy} addresses */
  #setAddresses(addresses) {
    if (addresses === this.#addresses) return; // what was said about it and taken off the screen is not said again
    this.#addresses = addresses;
    this.#links.setAddresses(addresses);
    this.#noteMissingRelay();
  }

  /** Says so, while there is a call, where nobody can be reached: by a relay only, and there is none. */
  #noteMissingRelay() {
    if (this.#notice?.key === "no_relay") this.#notice = null;
    const { joined } = this.#call;
    const relayed = this.#isInCall && this.#addresses === "relay_only";
    if (relayed && !namesRelay(joined?.ice_servers ?? [])) this.#tell("server", { key: "no_relay", values: {} });
  }

  /** Keeps the place for a page that is loaded anew, and the address at the room. */
  #remember() {
    const { state, room, resume } = this.#call;
    if (state === "idle" || state === "leaving") keepPlace(null);
    if (state !== "in_call" || room === null || resume === null) return;
    keepPlace({ room, name: this.#name, resume, volumes: this.#volumes.kept() });
    const address = addressOf(room, document.baseURI);
    if (address !== location.href) history.replaceState(null, "", address);
  }

  /**
   * No `leave`: a page that is loaded anew wants its place back. To the others it is gone all the same, as they
   * see the connections closed; the server keeps the place for a while.
   */
  #hide() {
    this.#links.closeAll();
    this.#driver.hangUp();
    this.#driver.expect(false);
  }

  /** @param {NoticeCode} code @param {Said} said @param {string} [text] */
  #tell(code, said, text = said.key) {
    const notice = { code, ...said, text };
    this.#notice = { ...notice, text: sentenceOf(notice) };
    this.#show();
  }

  /** @returns {CallView} */
  #view() {
    return describe({
      call: this.#call,
      selection: this.#devices.selection,
      volumes: this.#volumes,
      name: this.#name,
      devices: this.#devices.list,
      chat: this.#conversation.messages,
      files: this.#conversation.files,
      notice: this.#notice,
      share: this.#share,
      hasPictures: (id, stream) => this.#links.hasPictures(id, stream),
      pictureless: this.#pictureless,
      testing: this.#testing !== null,
    });
  }

  #show() {
    const view = this.#view();
    const text = JSON.stringify(view);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#onEvent({ type: "view", view });
  }
}

/** @param {Notice | null} notice */
function isOfDevice(notice) {
  return notice?.code === "camera" || notice?.code === "microphone" || notice?.code === "speaker";
}
