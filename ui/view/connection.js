// @ts-check
// How the connection to one participant is: a sentence, figures, small plots of the last minute.

import { strings } from "../strings.js";
import { byId, element, setAttribute, setText } from "./dom.js";
import { Plot } from "./quality/plot.js";
import {
  countText,
  encoderText,
  msText,
  pathText,
  percentText,
  pictureText,
  rateText,
} from "./quality/words.js";

/** @typedef {import("./quality/history").Figures} Figures */
/** @typedef {import("./quality/history").History} History */
/** @typedef {import("../types/engine").PeerStats} PeerStats */

/**
 * Something that is plotted: which figure, what fills the plot's height at least, and how it is written.
 * @typedef {object} Plotted
 * @property {keyof Figures} figure
 * @property {number} most
 * @property {(value: number) => string} text
 */

/** @type {[label: string, plotted: Plotted][]} */
const PLOTTED = [
  [strings.figureRoundTrip, { figure: "roundTripMs", most: 100, text: msText }],
  [strings.figureLossSent, { figure: "lossSent", most: 0.1, text: percentText }],
  [strings.figureLossReceived, { figure: "lossReceived", most: 0.1, text: percentText }],
  [strings.figureSent, { figure: "kbpsSent", most: 500, text: rateText }],
  [strings.figureReceived, { figure: "kbpsReceived", most: 500, text: rateText }],
  [strings.figureFps, { figure: "fps", most: 30, text: countText }],
  [strings.figureConcealed, { figure: "concealed", most: 0.1, text: percentText }],
];

/** @type {[label: string, text: (stats: PeerStats, now: Figures) => string][]} */
const WRITTEN = [
  [strings.figurePath, ({ path }) => pathText(path)],
  [strings.figurePictureHere, ({ inboundVideo }, { fps }) => pictureText(inboundVideo, fps)],
  [strings.figurePictureThere, ({ outboundVideo }, { fpsSent }) => pictureText(outboundVideo, fpsSent)],
  [strings.figureEncoder, ({ outboundVideo }) => encoderText(outboundVideo)],
  [strings.figureGivesWay, ({ outboundVideo }) => strings.givesWay[outboundVideo?.qualityLimitationReason ?? "none"]],
  [strings.figureJitterBuffer, ({ inboundAudio }) => bufferText(inboundAudio)],
  [strings.figureSound, ({ inboundAudio }) => inboundAudio.codec],
];

/** @param {PeerStats["inboundAudio"]} audio */
function bufferText({ jitterBufferMs: now, jitterBufferTargetMs: target }) {
  if (now === null) return strings.unknownFigure;
  return target === null ? msText(now) : strings.bufferOf(msText(now), msText(target));
}

export class ConnectionPanel {
  #title = byId("connection-title", HTMLElement);
  #sentence = byId("connection-sentence", HTMLElement);
  #written;
  #plotted;

  constructor() {
    const list = byId("connection-figures", HTMLElement);
    /** @param {string} label @param {Element[]} more */
    const row = (label, ...more) => {
      const value = element("dd");
      list.append(element("div", {}, element("dt", { text: label }), value, ...more.map((one) => element("dd", {}, one))));
      return value;
    };
    this.#written = WRITTEN.map(([label, text]) => ({ value: row(label), text }));
    this.#plotted = PLOTTED.map(([label, plotted]) => {
      const plot = new Plot();
      return { ...plotted, value: row(label, plot.element), plot };
    });
  }

  /**
   * @param {string} name
   * @param {string} sentence
   * @param {import("./quality/rules").Grade} grade
   * @param {History | null} history
   */
  render(name, sentence, grade, history) {
    setText(this.#title, strings.connectionOf(name));
    setText(this.#sentence, sentence);
    setAttribute(this.#sentence, "data-grade", grade);
    const stats = history?.stats;
    if (!history || !stats) return;
    for (const { value, text } of this.#written) setText(value, text(stats, history.now));
    for (const { value, plot, figure, most, text } of this.#plotted) {
      const values = history.kept.map((second) => second[figure]);
      const known = values.flatMap((one) => (one === null ? [] : [one]));
      const now = history.now[figure];
      setText(value, now === null ? strings.unknownFigure : text(now));
      const label =
        known.length === 0
          ? strings.unknownFigure
          : strings.lastMinute(text(Math.min(...known)), text(Math.max(...known)));
      plot.render(values, most, label);
    }
  }
}
