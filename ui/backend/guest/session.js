// @ts-check
// One participant's call in a browser: feeds the state machine, does what that says, and shows the result. The
// counterpart of the app's engine (`actor.rs`); the same commands come in, the same views and events go out.

import { sentenceOf } from "../../strings.js";
import { addressOf, serverOf } from "./address.js";
import { Ahead } from "./ahead.js";
import { Call } from "./call.js";
import { Capture } from "./capture.js";
import { ChatHistory } from "./chat.js";
import { playChime } from "./chime.js";
import { shareVideo, videoCodecs } from "./codecs.js";
import { Files } from "./files/files.js";
import { namesRelay } from "./ice.js";
import { Links } from "./links.js";
import { LevelMeters } from "./levels.js";
import { NO_DEVICES, listDevices } from "./list.js";
import { parseName } from "./names.js";
import { WakeLock, watchPage } from "./page.js";
import { watchPermissions } from "./permissions.js";
import { Playback } from "./playback.js";
import { Share } from "./share.js";
import { Selection } from "./selection.js";
import { SignalingSocket, patienceFor } from "./signaling.js";
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
/** @typedef {import("../../types/media").DeviceKind} DeviceKind */
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
  #codecs;
  #selection;
  #capture;
  #playback;
  #volumes = new Volumes();
  #levels = new LevelMeters();
  #chat = new ChatHistory();
  #files = new Files(() => this.#show());
  #wakeLock = new WakeLock();
  #share = new Share({
    onChange: () => this.#shared(),
    onTrouble: (denied, problem) =>
      this.#tell("screen", denied ? { key: "screen_refused", values: {} } : { key: "screen_failed_here", values: { problem } }),
  });
  #links;
  #addresses;
  /** @type {SignalingSocket | null} */
  #signaling = null;
  #ahead = new Ahead();
  /** @type {number | null} how long it took to reach the server, the last time */
  #reachedIn = null;
  #devices = NO_DEVICES;
  /** @type {object | null} the sound that the speaker is tried with, while it plays */
  #testing = null;
  /** @type {Notice | null} */
  #notice = null;
  #name = "";
  /** @type {Set<string>} peers with whom there is no picture, and the person was told so */
  #pictureless = new Set();
  /** @type {string} the view that was shown last */
  #shown = "";
  /** @type {number | undefined} */
  #timer;

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
    this.#selection = new Selection(settings);
    this.#codecs = videoCodecs(RTCRtpReceiver, RTCRtpSender);
    const identity = {
      client: { name: "maru-guest", version },
      capabilities: { video_codecs: this.#codecs, chat: true, files: true, screen: true },
      ...(token === "" ? {} : { token }),
    };
    this.#call = new Call(identity, Math.random);
    this.#capture = new Capture({
      onTrack: (kind, track, id) => this.#captured(kind, track, id),
      onTrouble: (kind, trouble, problem, kept) => this.#captureFailed(kind, trouble, problem, kept),
      onLost: (kind, name, id) => this.#captureLost(kind, name, id),
    });
    this.#capture.setVoice(settings.voice);
    this.#playback = new Playback({
      onBlocked: () => this.#tell("speaker", { key: "sound_blocked", values: {} }),
      onSpeakerTrouble: () => this.#speakerFailed(),
      gain: (peer) => this.#volumes.gain(peer),
    });
    this.#links = new Links({
      onEvent: (peer, generation, event) => this.#input({ type: "connection", peer, generation, event }),
      onChat: (peer, text) => this.#heard(peer, text),
      onFiles: (peer, channel) => {
        const name = this.#call.peers.find(({ id }) => id === peer)?.info.name ?? "";
        if (channel) this.#files.line(peer, name, channel);
        else this.#files.drop(peer);
      },
      onSound: (peer, track) => {
        this.#levels.setPeer(peer, track);
        if (track) this.#playback.play(peer, track);
        else this.#playback.stop(peer);
      },
      onPictures: () => this.#show(),
    });
    this.#links.setAddresses(this.#addresses);
    watchPage({
      onNetwork: (came) => {
        this.#ahead.close(); // the next sign of the person opens another one
        this.#input({ type: "network_changed", came });
      },
      onHide: () => this.#hide(),
      onTouch: () => this.resumeSound(),
    });
    watchPermissions((kind) => this.#permitted(kind));
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#refreshDevices());
    window.setInterval(() => this.#tick(), TICK_MS);
    window.setInterval(() => void this.#links.count(), COUNT_MS);
    window.setInterval(() => void this.#measure(), STATS_MS);
    window.setInterval(() => this.#files.isMoving && this.#show(), PROGRESS_MS);
  }

  /** @param {Place | null} place to take back */
  async start(place) {
    if (!navigator.mediaDevices) this.#tell("camera", { key: "page_not_secure", values: {} });
    await this.#refreshDevices();
    const { cameras, microphones } = this.#devices;
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
        this.#selection.preview = command.on;
        break;
      case "expect":
        return this.#expect(command.room !== null);
      case "join":
        this.#join(command.room, command.name);
        break;
      case "leave":
        this.#input({ type: "leave" });
        break;
      case "set_muted":
        this.#selection.muted = command.muted;
        if (!command.muted) this.#selection.retry("microphone");
        break;
      case "set_camera_off":
        this.#selection.cameraOff = command.camera_off;
        if (!command.camera_off) this.#selection.retry("camera");
        break;
      case "select_device":
        this.#selection.choose(command.kind, command.id);
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
        this.#capture.setVoice(command.voice);
        break;
      case "set_addresses":
        this.#setAddresses(command.addresses);
        break;
      case "refresh_devices":
        void this.#refreshDevices();
        break;
      case "test_speaker":
        this.#testSpeaker();
        break;
      case "send_chat":
        this.#say(command.text);
        break;
      case "offer_file":
        this.#offerFile(command.handle);
        break;
      case "accept_file":
        this.#files.accept(command.id);
        break;
      case "cancel_file":
        this.#files.cancel(command.id);
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
    const facing = this.#capture.track("camera")?.getSettings().facingMode ?? this.#selection.facing;
    this.#selection.face(facing === "environment" ? "user" : "environment");
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

  /** @param {boolean} soon somebody may join soon */
  #expect(soon) {
    if (soon && this.#call.state === "idle") this.#ahead.expect(performance.now(), serverOf(document.baseURI));
    else this.#ahead.close();
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
      this.#chat.clear();
      this.#files.clear();
      this.#volumes.clear();
    }
    this.#playback.resume();
    this.#input({ type: "join", room: parsedRoom.name, name: parsedName.name, resume: null });
  }

  /** @param {Input} input */
  #input(input) {
    this.#call.handle(performance.now(), input);
    this.#update();
  }

  /** Does what the state machine says, then brings media, devices and page in line with the new state. */
  #update() {
    this.#perform();
    const { state, peers } = this.#call;
    // Already while joining: the devices open while the server answers.
    const joined = state !== "idle" && state !== "leaving";
    this.#capture.want(this.#selection.wanted(joined));
    this.#sendVoice();
    this.#playback.setSpeaker(this.#speaker());
    if (!joined) this.#share.stop();
    const status = { ...this.#selection.status, sharing: this.#share.track !== null };
    this.#call.handle(performance.now(), { type: "status", status });
    this.#perform();
    this.#links.setPeers(peers.map((peer) => peer.id));
    this.#links.setSharing(peers.filter(({ info }) => info.status.sharing).map(({ id }) => id));
    this.#files.retain(peers.map((peer) => peer.id));
    this.#wakeLock.want(joined);
    this.#noteCodecs();
    this.#remember();
    this.#schedule();
    this.#show();
  }

  #perform() {
    if (this.#call.joined) this.#links.setIceServers(this.#call.joined.ice_servers);
    for (let output = this.#call.poll(); output; output = this.#call.poll()) {
      switch (output.type) {
        case "open_signaling":
          this.#openSignaling();
          break;
        case "close_signaling":
          this.#signaling?.close();
          this.#signaling = null;
          // Nobody else tells: a socket that was closed from here is silent.
          if (this.#call.state === "leaving") this.#call.handle(performance.now(), CLOSED);
          break;
        case "probe_signaling":
          if (this.#call.me !== null) this.#signaling?.probe(this.#call.me);
          break;
        case "send":
          this.#signaling?.send(output.message);
          break;
        case "open_connection":
          this.#links.open(output.peer, output.generation, this.#takes(output.peer));
          break;
        case "order":
          this.#links.order(output.peer, output.generation, output.order);
          break;
        case "close_connection":
          this.#links.close(output.peer, output.generation);
          break;
        case "notice":
          this.#tell(output.code, output.said, output.text);
      }
    }
  }

  #openSignaling() {
    this.#signaling?.close();
    const socket = new SignalingSocket({
      url: serverOf(document.baseURI),
      patience: patienceFor(this.#reachedIn),
      ahead: this.#ahead.take(),
      onOpen: (took) => {
        this.#reachedIn = took;
        this.#input({ type: "signaling_open" });
      },
      onMessage: (message) => {
        this.#input({ type: "server", message });
        if (message.type === "joined") this.#noteMissingRelay();
      },
      onClosed: (said) => {
        if (this.#signaling === socket) this.#signaling = null;
        this.#input({ type: "signaling_closed", said });
      },
    });
    this.#signaling = socket;
  }

  /** Wakes the state machine when it wants to be. */
  #schedule() {
    window.clearTimeout(this.#timer);
    const deadline = this.#call.nextDeadline;
    if (deadline === null) return;
    this.#timer = window.setTimeout(
      () => {
        this.#call.handleTimeout(performance.now());
        this.#update();
      },
      Math.max(0, deadline - performance.now()),
    );
  }

  #tick() {
    const levels = this.#levels.take(performance.now());
    if (levels) this.#onEvent({ type: "levels", levels });
    if (this.#selection.tick(performance.now())) this.#update();
  }

  async #measure() {
    if (this.#call.peers.length === 0) return;
    const stats = await this.#links.stats().catch(() => null); // the next second tries again
    if (stats && stats.peers.length > 0) this.#onEvent({ type: "stats", stats });
  }

  /** @param {import("./capture").CaptureKind} kind @param {MediaStreamTrack | null} track @param {string | null} id */
  #captured(kind, track, id) {
    const said = this.#selection.opened(kind, id);
    if (kind === "microphone") this.#levels.setMicrophone(track);
    if (kind === "camera") this.#links.setTrack("camera", track);
    else this.#sendVoice();
    if (track && this.#notice?.code === kind && !this.#selection.leaves(kind, this.#notice.key)) this.#notice = null;
    if (said) this.#tell(kind, said);
    // Only now a browser tells the devices' names.
    if (track) void this.#refreshDevices();
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
    this.#links.setTrack("audio", this.#selection.muted ? null : this.#capture.track("microphone"));
  }

  /**
   * @param {import("./capture").CaptureKind} kind
   * @param {import("./capture").Trouble} trouble
   * @param {string} problem
   * @param {string | null} kept
   */
  #captureFailed(kind, trouble, problem, kept) {
    const name = this.#nameOf(kind, this.#selection.wished(kind));
    const told = this.#selection.refused(kind, performance.now(), trouble === "denied", kept);
    /** @type {Record<import("./capture").Trouble, Said>} */
    const said = {
      denied: { key: "permission_denied", values: { kind } },
      missing: { key: "device_missing", values: { kind } },
      busy: { key: "device_in_use", values: { kind, name } },
      failed: { key: "device_failed", values: { kind, name, problem } },
    };
    if (told) this.#tell(kind, said[trouble]);
    this.#update();
  }

  /** @param {import("./capture").CaptureKind} kind @param {string} name @param {string} id */
  #captureLost(kind, name, id) {
    const said = this.#selection.lost(kind, performance.now(), name, id);
    if (said) this.#tell(kind, said);
    this.#update();
    void this.#refreshDevices();
  }

  /** @param {import("./capture").CaptureKind} kind the browser lets us use it now */
  #permitted(kind) {
    if (!this.#selection.hasFailed(kind)) return;
    this.#selection.retry(kind);
    this.#update();
  }

  #speakerFailed() {
    const name = this.#nameOf("speaker");
    this.#selection.refused("speaker", performance.now(), false, null);
    this.#tell("speaker", { key: "device_failed", values: { kind: "speaker", name, problem: "" } });
    this.#update();
  }

  /** As {@link Playback.setSpeaker} takes it. */
  #speaker() {
    if (this.#selection.hasFailed("speaker") || this.#selection.follows("speaker")) return "";
    const id = this.#selection.device("speaker");
    return id;
  }

  /** @param {DeviceKind} kind @param {string | null} id */
  #nameOf(kind, id = this.#selection.device(kind)) {
    const all = [...this.#devices.cameras, ...this.#devices.microphones, ...this.#devices.speakers];
    return all.find((device) => device.id === id)?.name ?? "";
  }

  async #refreshDevices() {
    const before = this.#devices;
    this.#devices = await listDevices();
    for (const { kind, said } of this.#selection.listed(this.#devices)) this.#tell(kind, said);
    this.#followSystem(before.microphones);
    this.#update();
  }

  /**
   * A microphone that was opened as the system's stays what that was then: opens it anew when it is another one.
   * @param {import("../../types/media").DeviceInfo[]} before
   */
  #followSystem(before) {
    /** @param {import("../../types/media").DeviceInfo[]} devices */
    const nameIn = (devices) => devices.find((device) => device.follows_system)?.name ?? "";
    const [was, is] = [nameIn(before), nameIn(this.#devices.microphones)];
    if (was !== "" && is !== "" && was !== is && this.#selection.follows("microphone")) {
      this.#capture.renew("microphone");
    }
  }

  #testSpeaker() {
    this.#testing ??= playChime((track) => {
      if (track) return this.#playback.play(CHIME, track);
      this.#playback.stop(CHIME);
      this.#testing = null;
      this.#show();
    });
  }

  /** @param {string} text */
  #say(text) {
    if (!this.#isInCall) {
      return this.#tell("chat", { key: "chat_not_in_a_room", values: {} });
    }
    const said = this.#chat.say(performance.now(), Date.now(), this.#name, text);
    if (said === null) return;
    if ("problem" in said) return this.#tell("chat", said.problem);
    this.#links.say(said.message.text);
    this.#onEvent({ type: "chat", message: said.message });
  }

  /** @param {string} from @param {string} text */
  #heard(from, text) {
    const peer = this.#call.peers.find((peer) => peer.id === from);
    if (!peer) return;
    const message = this.#chat.heard(performance.now(), Date.now(), from, peer.info.name, text);
    if (!message) return;
    this.#onEvent({ type: "chat", message });
    this.#show();
  }

  /**
   * Takes in files that the person picked.
   * @param {File[]} files
   */
  pickFiles(files) {
    return this.#files.pick(files);
  }

  /** @param {string} peer */
  #takes(peer) {
    const { files = false, screen = false } = this.#call.peers.find(({ id }) => id === peer)?.info.capabilities ?? {};
    return { files, screen };
  }

  get #isInCall() {
    const { state } = this.#call;
    return state === "in_call" || state === "reconnecting";
  }

  /** @param {number} handle offers a picked file to everybody who can take files */
  #offerFile(handle) {
    const { peers } = this.#call;
    if (!this.#isInCall) return this.#tell("file", { key: "file_not_in_a_room", values: {} });
    const here = peers.filter((peer) => peer.state === "connected" || peer.state === "restarting");
    const can = here.filter(({ id }) => this.#takes(id).files).map(({ id, info }) => ({ id, name: info.name }));
    const cannot = here.filter(({ id }) => !this.#takes(id).files);
    if (here.length === 0) return this.#tell("file", { key: "file_nobody", values: {} });
    const problem = can.length > 0 ? this.#files.offer(handle, can) : null;
    if (problem) return this.#tell("file", problem);
    const name = cannot.map(({ info }) => info.name).join(", ");
    if (name !== "") this.#tell("file", { key: "file_not_for", values: { name } });
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
    this.#signaling?.close();
    this.#ahead.close();
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
      selection: this.#selection,
      volumes: this.#volumes,
      name: this.#name,
      devices: this.#devices,
      chat: this.#chat.messages,
      files: this.#files.views,
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

/** @type {Input} */
const CLOSED = { type: "signaling_closed", said: { key: "server_lost", values: {} } };
