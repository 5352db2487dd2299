// @ts-check
// Wires the backend to the screens. The call's state lives in the backend; here is only what belongs
// to this window: which panel is open, and what is being typed.

import { browserBackend } from "./backend/browser.js";
import { later } from "./later.js";
import { refusalOf, strings } from "./strings.js";
import { announcements } from "./view/announce.js";
import { CallScreen } from "./view/call.js";
import { Connections } from "./view/connections.js";
import { Chat } from "./view/chat.js";
import { Check } from "./view/check/check.js";
import { Controls } from "./view/controls.js";
import { DevicePickers } from "./view/devices.js";
import { setUpDiagnostics } from "./view/diagnostics.js";
import { byId, element, fillIn } from "./view/dom.js";
import { MutedHint } from "./view/hint.js";
import { JoinScreen } from "./view/join.js";
import { Kept } from "./view/kept.js";
import { setUpLanguagePicker } from "./view/language.js";
import { pageLink } from "./view/links.js";
import { NoticeBar } from "./view/notice.js";
import { Panels } from "./view/panels.js";
import { isInRoom } from "./view/participants.js";
import { Preview } from "./view/preview.js";
import { followKeyboard } from "./view/screen.js";
import { Sharing } from "./view/sharing.js";
import { watchSigns } from "./view/signs.js";
import { Stage } from "./view/stage.js";
import { showStop } from "./view/stop.js";
import { VoicePanel } from "./view/voice.js";
import { wayOut } from "./view/wayout.js";

/** @typedef {import("./backend/backend").Backend} Backend */
/** @typedef {import("./backend/backend").Start} Start */
/** @typedef {import("./types/shell").News} News */
/** @typedef {import("./types/engine").CallView} CallView */
/** @typedef {import("./types/engine").Command} Command */
/** @typedef {import("./types/engine").Event} Event */

/** Sentences that the live region keeps: enough for a reader that is behind. */
const SAID_LIMIT = 8;

const loadReport = later(new URL("view/report.js", import.meta.url), () => import("./view/report.js"));
class App {
  #backend;
  #flags;
  /** @type {CallView} the newest one */
  #view;
  #idle = false;
  #inCall = false;
  /** @type {Panels} */
  panels;
  #live = byId("live", HTMLElement);
  #switchHosts = { join: byId("join-switches", HTMLElement), call: byId("call-switches", HTMLElement) };
  #deviceHosts = { join: byId("join-devices", HTMLElement), call: byId("call-devices", HTMLElement) };

  /**
   * @param {Backend} backend
   * @param {Start} start
   * @param {typeof import("./view/news").AppNews} [AppNews] where there is an app that has any
   */
  constructor(backend, { view, settings, flags, version }, AppNews) {
    this.#backend = backend;
    this.#flags = flags;
    this.#view = view;
    this.notice = new NoticeBar({
      onDismiss: () => this.#do({ type: "dismiss_notice" }),
      wayOutOf: (notice) =>
        wayOut(notice, {
          idle: this.#view.call === "idle",
          inCall: this.#inCall,
          chatOpen: this.chat.open,
          submit: () => this.join.submit(),
          mendServer: flags.guest ? null : () => this.join.focusServer(),
          showChat: () => this.panels.showChat(true),
          resumeSound: () => this.#backend.resumeSound?.(),
          share: () => this.#share(),
          command: (command) => void this.#do(command),
          openSettings: backend.desktop
            ? (device) => void this.#try(backend.desktop?.openPrivacySettings(device))
            : null,
          chooseDevice: (kind) => {
            if (this.#inCall) this.panels.show("devices");
            this.pickers.focusOn(kind);
          },
        }),
    });
    this.join = new JoinScreen({
      onJoin: (room, name) => void this.#join(room, name),
      onCancel: () => this.#do({ type: "leave" }),
      onSettings: () => void this.#saveForm(),
      onExpect: () => this.#expect(),
      say: (text) => this.#say([text]),
    });
    this.preview = new Preview({ command: (command) => void this.#do(command), guest: flags.guest });
    this.news = AppNews && new AppNews({
      notice: this.notice,
      join: this.join,
      isIdle: () => this.#view.call === "idle",
      leave: () => void this.#do({ type: "leave" }),
      installUpdate: () => void this.#try(backend.desktop?.installUpdate()),
    });
    this.check = new Check(
      { backend, view: () => this.#view, command: (command) => this.#do(command) },
      (attempt) => void this.#try(attempt),
    );
    this.call = new CallScreen({
      onClosePopover: () => this.panels.show(null),
      onStopSharing: () => this.#stopSharing(),
      qrCode: (url) => backend.qrCode(url),
      say: (text) => this.#say([text]),
    });
    this.kept = new Kept(backend, (command) => this.#do(command), (error) => this.notice.say(refusalOf(error)));
    this.pickers = new DevicePickers(
      (kind, id) => void this.kept.device(kind, id),
      () => void this.#do({ type: "test_speaker" }),
    );
    this.chat = new Chat({
      onSend: (text) => this.#do({ type: "send_chat", text }),
      onClose: () => this.panels.showChat(false),
      onAttach: () => void this.#try(this.#backend.pickFiles().then((picked) => this.#offer(picked))),
      onCommand: (command) => void this.#do(command),
    });
    this.sharing = new Sharing(backend, (command) => this.#do(command));
    this.controls = new Controls(
      {
        mute: () => this.#do({ type: "set_muted", muted: !this.#view.me.muted }),
        camera: () => this.#do({ type: "set_camera_off", camera_off: !this.#view.me.camera_off }),
        share: () => (this.#view.me.sharing ? this.#stopSharing() : this.#share()),
        devices: () => this.panels.toggle("devices"),
        invite: () => this.panels.toggle("invite"),
        chat: () => this.panels.showChat(!this.chat.open),
        leave: () => this.#do({ type: "leave" }),
      },
      flags.canFlipCamera ? () => void this.#try(backend.flipCamera?.()) : null,
      this.sharing.isPossible,
    );
    this.stage = new Stage({
      backend,
      stage: byId("stage", HTMLElement),
      joinHost: byId("join-self", HTMLElement),
      encoded: flags.webcodecs && !settings.force_fallback,
      send: (command) => this.#do(command),
      onConnection: (peer) => void this.#showConnection(peer),
      attempt: (load) => void this.#insist(load),
    });
    this.connections = new Connections(this.stage, () => backend.settings().addresses === "relay_only");
    this.panels = new Panels({
      call: this.call,
      chat: this.chat,
      controls: this.controls,
      connections: this.connections,
      pickers: this.pickers,
      view: () => this.#view,
      refreshDevices: () => void this.#do({ type: "refresh_devices" }),
    });
    this.hint = new MutedHint((text) => this.#say([text]));
    new VoicePanel({
      voice: settings.voice,
      browser: flags.guest,
      onChange: (voice) => void this.kept.voice(voice),
    });
    setUpDiagnostics({ report: () => this.#report(version), say: (text) => this.#say([text]) });
    const { desktop } = backend;
    if (desktop) void this.#showDesktop(desktop, settings.desktop);
    this.join.fill(settings, view, flags.guest);
    window.addEventListener("keydown", (event) => this.#escape(event));
    watchSigns(() => this.#expect());
    // What was plugged in while one looked elsewhere is there at once.
    window.addEventListener("focus", () => this.#do({ type: "refresh_devices" }));
    this.#render(view, true);
    this.chat.markSeen(); // the person saw it before the window was loaded anew
    this.panels.render();
  }

  /** @param {Event} event */
  handle(event) {
    switch (event.type) {
      case "view": {
        const before = this.#view;
        this.#view = event.view;
        this.#render(event.view, false);
        if (before.call === "joining" && event.view.call === "idle") this.#focusAfterRefusal();
        if (isInRoom(before) && !isInRoom(event.view) && event.view.notice === null) this.join.tellLeft(before.room);
        if (before.notice?.code !== "chat" && event.view.notice?.code === "chat") this.chat.restore();
        this.#say(announcements(before, event.view));
        return;
      }
      case "levels":
        this.check.renderLevel(event.levels.microphone_dbfs);
        this.pickers.renderLevel(this.#view.me.muted ? -100 : event.levels.microphone_dbfs);
        this.stage.renderLevels(event.levels, this.#view.me.muted);
        this.hint.update(event.levels.speaking, this.#isUnheard());
        return;
      case "stats":
        this.connections.take(performance.now(), event.stats, this.#view);
        return;
      case "chat": {
        const { message } = event;
        if (this.chat.add(message) && message.from !== null) {
          this.#say([strings.saidChat(message.name, message.text)]);
        }
        this.panels.render();
      }
    }
  }

  /** @param {import("./backend/backend").FileDrop} drop */
  handleDrop(drop) {
    if (drop.type === "over" && this.#inCall) this.panels.showChat(true);
    this.chat.setDropTarget(drop.type === "over" && this.#inCall);
    if (drop.type === "dropped") this.#offer(drop.picked);
  }

  /** @param {import("./backend/backend").Picked} picked */
  #offer({ files, problem }) {
    for (const { handle } of files) void this.#do({ type: "offer_file", handle });
    if (problem) this.notice.say(refusalOf(problem));
  }

  /** @param {News} news of the app itself */
  hear(news) {
    switch (news.type) {
      case "problem":
        this.notice.say(refusalOf(news.problem));
        return;
      case "invited":
        this.news?.linkOpened(news.invite, news.room);
        return;
      case "share":
        if (this.#inCall && !this.#view.me.sharing) this.#share();
        return;
      case "update":
        this.news?.versionCame(news.version);
    }
  }

  /** @param {CallView} view @param {boolean} first */
  #render(view, first) {
    const inCall = isInRoom(view);
    const moved = first || inCall !== this.#inCall;
    this.#inCall = inCall;
    if (moved) this.#showScreen(inCall);
    if (view.call !== "idle") this.check.close();
    this.stage.render(view, inCall);
    if (!this.connections.render(view) && this.call.popover === "connection") this.panels.show(null);
    this.join.render(view);
    this.call.render(view, this.#link(view));
    this.pickers.render(view);
    this.chat.render(view.chat);
    this.chat.renderFiles(view.files);
    this.notice.render(view.notice);
    if (!this.#isUnheard()) this.hint.hide();
    this.panels.render();
    if (moved) this.#focusScreen(inCall);
    if (moved && inCall && !first) this.#rememberRoom();
    const idle = view.call === "idle";
    this.preview.render(idle);
    if (idle && !this.#idle) this.#expect();
    this.#idle = idle;
    this.news?.update();
  }

  /** Somebody looks at the join screen: what joining needs first is made ready. */
  #expect() {
    if (this.#view.call !== "idle" || document.hidden) return;
    void this.#do({ type: "expect", room: this.join.expected });
  }

  /** The room that was joined is offered again. */
  #rememberRoom() {
    if (!this.#backend.desktop) return;
    this.join.renderRecent(this.kept.room(this.join.settings.room));
  }

  /** @param {boolean} inCall */
  #showScreen(inCall) {
    const screen = inCall ? "call" : "join";
    document.body.dataset.screen = screen;
    document.title = inCall && this.#view.room ? `${this.#view.room} – ${strings.appName}` : strings.appName;
    this.join.setShown(!inCall);
    this.notice.moveTo(inCall ? null : this.join.noticeHost);
    this.call.setShown(inCall);
    this.controls.moveSwitches(this.#switchHosts[screen]);
    this.pickers.moveTo(this.#deviceHosts[screen]);
    this.call.setPopover(null);
    if (inCall) return;
    this.chat.reset();
    this.sharing.close();
  }

  /** @param {boolean} inCall */
  #focusScreen(inCall) {
    if (inCall) this.call.focus();
    else this.join.focus();
  }

  /** Joining did not work: the form had no focus meanwhile. */
  #focusAfterRefusal() {
    const { notice } = this.#view;
    if (notice?.code === "bad_name") this.join.focusRefused(notice);
    else this.join.focus();
  }

  /**
   * The best way for others into the room: what the server says, or where this page itself is.
   * @param {CallView} view
   */
  #link({ room, links }) {
    if (this.#flags.guest) return room === null ? null : pageLink(document.baseURI, room, links);
    return links[0] ?? null;
  }

  /** @param {string} peer */
  async #showConnection(peer) {
    if (await this.#try(this.connections.load())) this.panels.toggleConnection(peer);
  }

  /** @param {KeyboardEvent} event */
  #escape(event) {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    if (this.call.popover) this.panels.show(null);
    else if (this.notice.dismiss()) return;
    else if (this.chat.open) this.panels.showChat(false);
    else if (this.#view.call === "joining") this.#do({ type: "leave" });
  }

  /** @param {string} room @param {string} name */
  async #join(room, name) {
    const { muted, camera_off } = this.#view.me;
    this.news?.answer();
    await this.kept.save({ ...this.join.settings, muted, camera_off });
    await this.#do({ type: "join", room, name });
  }

  /** Keeps what the join screen says, and acts on what has an effect at once. */
  async #saveForm() {
    await this.kept.save(this.join.settings);
    this.stage.setEncoded(this.#flags.webcodecs && !this.join.settings.force_fallback);
    await this.#do({ type: "refresh_devices" });
    this.#expect(); // it may be another server
  }

  /** Whether others are there who do not hear a word. */
  #isUnheard() {
    return this.#inCall && this.#view.me.muted && this.#view.peers.length > 0;
  }

  /**
   * Sends a command; a refusal is shown.
   * @param {Command} command
   */
  #do(command) {
    return this.#try(this.#backend.command(command));
  }

  /**
   * @param {Promise<unknown> | undefined} attempt
   * @returns {Promise<boolean>} whether it worked; if not, the person is told
   */
  async #try(attempt) {
    try {
      await attempt;
      return true;
    } catch (error) {
      this.notice.say(refusalOf(error));
      return false;
    }
  }

  /**
   * What nobody asked for by a click of their own: where it fails, the notice has a button to try it again.
   * @param {() => Promise<void>} attempt
   */
  async #insist(attempt) {
    try {
      await attempt();
    } catch (error) {
      this.notice.say(refusalOf(error), { label: strings.tryAgain, act: () => void this.#insist(attempt) });
    }
  }

  #share() {
    void this.#try(this.sharing.begin());
  }

  #stopSharing() {
    this.sharing.end();
    // Where the person comes from is about to go.
    this.controls.focus("share");
  }

  /**
   * @param {NonNullable<import("./backend/backend").Backend["desktop"]>} desktop
   * @param {import("./types/shell").DesktopSettings} settings
   */
  async #showDesktop(desktop, settings) {
    const { DesktopPanel } = await import("./view/desktop.js");
    new DesktopPanel({
      settings,
      onChange: (changed) => void this.kept.save({ desktop: changed }),
      onNewWindow: () => void this.#try(desktop.newWindow()),
      onQuit: () => void this.#try(desktop.quit()),
      onLogs: () => void this.#try(desktop.openLogs()),
    });
  }

  /** @param {string} version @returns {Promise<string>} for whoever is asked for help */
  async #report(version) {
    const { reportOf } = await loadReport();
    return reportOf({
      version,
      browser: navigator.userAgent,
      guest: this.#flags.guest,
      view: this.#view,
      settings: this.#backend.settings(),
      connection: (peer) => this.connections.known(peer, this.#view),
      app: (await this.#backend.desktop?.diagnostics().catch(() => null)) ?? null,
    });
  }

  /** @param {string[]} sentences for people who listen to the screen */
  #say(sentences) {
    // What is added is read out; what was said a while ago may go.
    this.#live.append(...sentences.map((text) => element("p", { text })));
    while (this.#live.children.length > SAID_LIMIT) this.#live.firstElementChild?.remove();
  }
}

/** What only the app has is loaded in it alone: it is no part of a guest's page. */
async function loadAppOnly() {
  if (!("__TAURI__" in window)) return null;
  const [{ tauriBackend }, { AppNews }] = await Promise.all([import("./backend/tauri.js"), import("./view/news.js")]);
  return { backend: tauriBackend(), AppNews };
}

async function run() {
  fillIn(document);
  setUpLanguagePicker();
  followKeyboard();
  const appOnly = await loadAppOnly();
  const backend = appOnly?.backend ?? browserBackend();
  /** @type {App | undefined} */
  let app;
  /** @type {((app: App) => void)[]} what comes before there is something to show it on */
  const early = [];
  /** @param {(app: App) => void} act */
  const tell = (act) => (app ? act(app) : void early.push(act));
  try {
    const start = await backend.start(
      (event) => tell((shown) => shown.handle(event)),
      (drop) => app?.handleDrop(drop),
      (news) => tell((shown) => shown.hear(news)),
    );
    app = new App(backend, start, appOnly?.AppNews);
    for (const act of early) act(app);
  } catch (error) {
    showStop(refusalOf(error));
  }
}

void run();
