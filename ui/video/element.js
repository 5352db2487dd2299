// @ts-check
// One tile's pictures where they come as a stream of the browser's: a `<video>` shows it. Sound is not its business.

/** @typedef {import("../backend/backend").OnPictures} OnPictures */
/** @typedef {import("../types/engine").VideoKind} VideoKind */

export class ElementPlayer {
  #video = document.createElement("video");
  #stop;
  #onPicture;
  #frames = 0;
  #closed = false;

  /**
   * @param {Omit<import("../backend/backend").PicturesOptions, "encoded"> & {
   *   watchPictures: (source: string, stream: VideoKind, onPictures: OnPictures) => () => void }} options
   *   `watchPictures` tells the stream there is now and every later one, and returns how to end it
   */
  constructor({ watchPictures, source, stream, host, onPicture }) {
    this.#onPicture = onPicture;
    const video = this.#video;
    Object.assign(video, { autoplay: true, muted: true, playsInline: true, disablePictureInPicture: true });
    video.setAttribute("playsinline", "");
    video.tabIndex = -1;
    video.dataset.paint = "video";
    video.dataset.frames = "0";
    host.prepend(video);
    // A page that was asleep wakes up with its videos paused.
    document.addEventListener("visibilitychange", this.#play);
    this.#count();
    this.#stop = watchPictures(source, stream, (pictures, { mirrored }) => {
      video.dataset.mirrored = String(mirrored);
      if (video.srcObject === pictures) return;
      video.srcObject = pictures;
      this.#play();
    });
  }

  close() {
    this.#closed = true;
    this.#stop();
    document.removeEventListener("visibilitychange", this.#play);
    this.#video.srcObject = null;
    this.#video.remove();
  }

  #play = () => {
    // Without sound nothing forbids it; it fails only when the stream is replaced meanwhile.
    if (this.#video.srcObject && !document.hidden) this.#video.play().catch(() => {});
  };

  #count() {
    const video = this.#video;
    const shown = () => {
      if (this.#closed) return;
      video.dataset.frames = String(++this.#frames);
      this.#onPicture({ width: video.videoWidth, height: video.videoHeight });
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }
}
