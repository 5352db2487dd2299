// @ts-check
// Paints I420 pictures (BT.601, limited range) with one shader: three planes in, RGB out.

/** @typedef {import("../backend/backend").Frame} Frame */

const VERTEX = `
attribute vec2 corner;
varying vec2 place;
void main() {
  place = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// ITU-R BT.601: Y from 16 to 235, U and V from 16 to 240 around 128.
const FRAGMENT = `
#ifdef GL_FRAGMENT_PRECISION_HIGH
precision highp float; // half floats do not reach every pixel of a large picture
#else
precision mediump float;
#endif
uniform sampler2D planeY;
uniform sampler2D planeU;
uniform sampler2D planeV;
varying vec2 place;
void main() {
  float y = (texture2D(planeY, place).r - 16.0 / 255.0) * 1.16438;
  float u = texture2D(planeU, place).r - 128.0 / 255.0;
  float v = texture2D(planeV, place).r - 128.0 / 255.0;
  gl_FragColor = vec4(y + 1.59603 * v, y - 0.39176 * u - 0.81297 * v, y + 2.01723 * u, 1.0);
}`;

const PLANES = ["planeY", "planeU", "planeV"];

/**
 * @param {WebGLRenderingContext} gl
 * @param {number} type
 * @param {string} source
 */
function compile(gl, type, source) {
  const shader = gl.createShader(type);
  if (!shader) throw new Error("no shader");
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  return shader;
}

export class WebglPainter {
  #canvas;
  #gl;
  #width = 0;
  #height = 0;
  #events;

  /**
   * Throws where there is no WebGL.
   * @param {HTMLCanvasElement} canvas
   * @param {object} events
   * @param {() => void} events.painted
   * @param {() => void} events.acknowledge
   * @param {() => void} events.broken the graphics context is gone
   */
  constructor(canvas, events) {
    const gl = canvas.getContext("webgl", {
      alpha: false,
      antialias: false,
      depth: false,
      stencil: false,
      // The picture can be read back at any time; costs one copy of a tile-sized buffer.
      preserveDrawingBuffer: true,
    });
    if (!gl) throw new Error("no WebGL");
    canvas.dataset.paint = "webgl";
    canvas.addEventListener("webglcontextlost", () => this.#events.broken());
    this.#canvas = canvas;
    this.#gl = gl;
    this.#events = events;
    this.#setUp();
  }

  /** @param {Frame} frame */
  paint(frame) {
    if (!document.hidden && !this.#gl.isContextLost()) {
      this.#upload(frame);
      this.#gl.drawArrays(this.#gl.TRIANGLE_STRIP, 0, 4);
      this.#events.painted();
    }
    this.#events.acknowledge();
  }

  /** The page is seen again: the next frame is painted anyway. */
  shown() {}

  close() {
    this.#events = { ...this.#events, broken: () => {} };
    // Contexts are few, and a canvas that waits to be collected keeps its one.
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  #setUp() {
    const gl = this.#gl;
    const program = gl.createProgram();
    if (!program) throw new Error("no WebGL program");
    gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error("the shader does not link");
    gl.useProgram(program);

    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);

    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1); // rows are tightly packed, of any width
    PLANES.forEach((plane, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
      gl.uniform1i(gl.getUniformLocation(program, plane), unit);
    });
  }

  /** @param {Frame} frame */
  #upload({ width, height, data }) {
    const gl = this.#gl;
    const fresh = width !== this.#width || height !== this.#height;
    if (fresh) {
      this.#width = this.#canvas.width = width;
      this.#height = this.#canvas.height = height;
      gl.viewport(0, 0, width, height);
    }
    let at = 0;
    PLANES.forEach((_, unit) => {
      const planeWidth = unit === 0 ? width : Math.ceil(width / 2);
      const planeHeight = unit === 0 ? height : Math.ceil(height / 2);
      const plane = data.subarray(at, (at += planeWidth * planeHeight));
      const { TEXTURE_2D, LUMINANCE, UNSIGNED_BYTE } = gl;
      gl.activeTexture(gl.TEXTURE0 + unit);
      if (fresh) {
        gl.texImage2D(TEXTURE_2D, 0, LUMINANCE, planeWidth, planeHeight, 0, LUMINANCE, UNSIGNED_BYTE, plane);
      } else {
        gl.texSubImage2D(TEXTURE_2D, 0, 0, 0, planeWidth, planeHeight, LUMINANCE, UNSIGNED_BYTE, plane);
      }
    });
  }
}
