// @ts-check
// Paints I420 pictures without WebGL, for machines whose webview has none. Slow but certain.

/** @typedef {import("../backend/backend").Frame} Frame */

/**
 * I420 (BT.601, limited range) to RGBA, in 8.8 fixed point.
 * @param {Uint8Array} data the planes Y, U, V
 * @param {number} width @param {number} height
 * @param {Uint8ClampedArray} rgba width × height × 4 bytes to be written
 */
export function i420ToRgba(data, width, height, rgba) {
  const chromaWidth = Math.ceil(width / 2);
  const uStart = width * height;
  const vStart = uStart + chromaWidth * Math.ceil(height / 2);
  let out = 0;
  for (let row = 0; row < height; row++) {
    const chromaRow = (row >> 1) * chromaWidth;
    for (let column = 0; column < width; column++) {
      const chroma = chromaRow + (column >> 1);
      const y = 298 * ((data[row * width + column] ?? 0) - 16) + 128;
      const u = (data[uStart + chroma] ?? 0) - 128;
      const v = (data[vStart + chroma] ?? 0) - 128;
      rgba[out++] = (y + 409 * v) >> 8;
      rgba[out++] = (y - 100 * u - 208 * v) >> 8;
      rgba[out++] = (y + 516 * u) >> 8;
      rgba[out++] = 255;
    }
  }
}

export class SoftwarePainter {
  #canvas;
  #context;
  #events;
  /** @type {ImageData | null} */
  #image = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ painted: () => void, acknowledge: () => void }} events
   */
  constructor(canvas, events) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2D canvas");
    canvas.dataset.paint = "software";
    this.#canvas = canvas;
    this.#context = context;
    this.#events = events;
  }

  /** @param {Frame} frame */
  paint({ width, height, data }) {
    if (!document.hidden) {
      if (this.#image?.width !== width || this.#image.height !== height) {
        this.#canvas.width = width;
        this.#canvas.height = height;
        this.#image = this.#context.createImageData(width, height);
      }
      i420ToRgba(data, width, height, this.#image.data);
      this.#context.putImageData(this.#image, 0, 0);
      this.#events.painted();
    }
    this.#events.acknowledge();
  }

  /** The page is seen again: the next frame is painted anyway. */
  shown() {}

  close() {
    this.#image = null;
  }
}
