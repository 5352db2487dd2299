// What the UI needs of whatever holds the call: `tauri.js` for the desktop window, the browser's own WebRTC
// for a guest. The rest of the UI knows nothing but this. Written by hand: it has no counterpart in Rust.

import type { CallView, Command, Event, NetworkFinding, VideoKind } from "../types/engine";
import type { Diagnostics, FileDrop, News, OfferedScreen, Picked, QrCode, Settings } from "../types/shell";

/** What there is at the start. A reloaded window gets the call as it stands. */
export interface Start {
  view: CallView;
  settings: Settings;
  /** The app's version, for showing. */
  version: string;
  flags: {
    /** The backend can hand out encoded frames, for this side to decode. */
    webcodecs: boolean;
    /**
     * The page is a guest's: what belongs to the app's own machine is not shown, and a room that the settings
     * start with is the one that the page's address names, so that only a name is asked for.
     */
    guest: boolean;
    /** There may be a camera on either side, as phones have: {@link Backend.flipCamera} works. */
    canFlipCamera: boolean;
  };
}

/** One picture on its way to a tile. */
export interface Frame {
  kind: "h264" | "vp8" | "i420";
  /** It can be decoded without an earlier one. */
  key: boolean;
  /** In pixels; 0 where the backend does not know it (encoded frames only). */
  width: number;
  /** In pixels; 0 where the backend does not know it (encoded frames only). */
  height: number;
  /** RTP timestamp, 90 kHz. */
  timestamp: number;
  /** H.264 in Annex B, a VP8 frame, or the planes Y, U, V, tightly packed. */
  data: Uint8Array;
}

export type { FileDrop, News, OfferedScreen, Picked, QrCode };

export interface VideoOptions {
  /** Ask for decoded pictures instead of encoded frames. */
  decoded: boolean;
  /** The tile's width in device pixels: decoded pictures come no larger than needed. */
  width: number;
  /** The tile's height in device pixels. */
  height: number;
}

/** An open stream of pictures. Nothing here fails: a stream that is gone ignores what it is told. */
export interface VideoStream {
  /** One frame was painted or dropped. The backend holds back while two are unacknowledged. */
  acknowledge(): void;
  /** The next frame cannot be decoded without a key frame. */
  requestKeyFrame(): void;
  /** The tile has another size now, in device pixels. */
  resize(width: number, height: number): void;
  close(): void;
}

/** Opens a stream of frames, one by one. `source` and `stream` are as in {@link PicturesOptions}. */
export type OpenVideo = (
  source: string,
  stream: VideoKind,
  options: VideoOptions,
  onFrame: (frame: Frame) => void,
) => Promise<VideoStream>;

/** A stream of pictures, or none; mirrored where one sees oneself. */
export type OnPictures = (stream: MediaStream | null, look: { mirrored: boolean }) => void;

/** Which pictures are shown, and where. */
export interface PicturesOptions {
  /** `"preview"` for the own camera, or a peer's id. */
  source: string;
  stream: VideoKind;
  /** What they are painted on becomes its first child. */
  host: HTMLElement;
  /** Decode here where that is possible. */
  encoded: boolean;
  /** One was painted. */
  onPicture(picture: { width: number; height: number }): void;
}

/** Pictures that are being shown. */
export interface Pictures {
  /** Decode here, or have the backend decode; where there is a choice. */
  setEncoded?(encoded: boolean): void;
  /** Pictures come as large as they are, or no larger than needed; where there is a choice. */
  setWhole?(whole: boolean): void;
  close(): void;
}

/** With what a backend rejects, where it does not throw an error: a sentence as in a notice. */
export interface Refusal {
  key: string;
  values: Record<string, string | number>;
  /** In English. */
  text: string;
}

/** All of it may be refused, as in {@link Backend.start}. */
export interface Desktop {
  /** Opens another window, for a call of its own. */
  newWindow(): Promise<void>;
  /** Brings the call's window to the front. */
  showWindow(): Promise<void>;
  /** Leaves the room and ends the app. */
  quit(): Promise<void>;
  /** Opens the page of the system's settings on which the device is allowed. */
  openPrivacySettings(device: "camera" | "microphone"): Promise<void>;
  /** What a report needs that only the app knows. */
  diagnostics(): Promise<Diagnostics>;
  /** Opens the folder of the logs. */
  openLogs(): Promise<void>;
  /** Installs the version that there was news of, and starts it. */
  installUpdate(): Promise<void>;
}

export interface Backend {
  /** Subscribes, and says what there is. Rejects with a {@link Refusal} or a sentence, like all that rejects. */
  start(
    onEvent: (event: Event) => void,
    onFileDrop: (drop: FileDrop) => void,
    onNews: (news: News) => void,
  ): Promise<Start>;
  command(command: Command): Promise<void>;
  settings(): Settings;
  saveSettings(settings: Settings): Promise<void>;
  /** Shows a source's pictures until they are closed. */
  showPictures(options: PicturesOptions): Pictures;
  /** Lets the person pick files to send; called while a tap or a key is handled. None are a change of mind. */
  pickFiles(): Promise<Picked>;
  /** Null where this backend makes none. */
  qrCode(text: string): Promise<QrCode | null>;
  /** Tries what a call needs of the network, outside of a call; the answer ends it. */
  checkNetwork(onFinding: (finding: NetworkFinding) => void): () => void;
  /** Takes the camera on the other side. Only where `flags.canFlipCamera`. */
  flipCamera?(): Promise<void>;
  /** What can be shared, for a page that lets the person pick one. A backend has this, {@link askToShare}, or neither. */
  screenSources?(): Promise<OfferedScreen[]>;
  /** Has the browser ask the person what to share; called while a tap or a key is handled. */
  askToShare?(): Promise<void>;
  /** What an app on a desktop can do beside calls. */
  desktop?: Desktop;
  /** Lets the others be heard after a browser kept them silent; called while a tap or a key is handled. */
  resumeSound?(): void;
}
