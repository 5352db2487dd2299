// @ts-check
// What the app has to say beside the call: a link that was opened, a newer version. Links are no wish to be seen and
// heard, so the person is asked; a version waits until there is no call.

import { strings } from "../strings.js";

/**
 * @typedef {object} Around
 * @property {import("./notice").NoticeBar} notice
 * @property {import("./join").JoinScreen} join
 * @property {() => boolean} isIdle there is no call and none is being made
 * @property {() => void} leave
 * @property {() => void} installUpdate
 */

export class AppNews {
  #around;
  /** @type {string | null} where a link leads, once this call is left */
  #next = null;
  /** Whether the notice asks about a link. */
  #asking = false;
  /** @type {string | null} a newer version that nobody was told of */
  #version = null;

  /** @param {Around} around */
  constructor(around) {
    this.#around = around;
  }

  /** @param {string} invite @param {string} room where it leads */
  linkOpened(invite, room) {
    const { notice, join, isIdle, leave } = this.#around;
    this.#asking = true;
    if (isIdle()) {
      join.setRoom(invite, true);
      notice.say(strings.linkTo(room), { label: strings.join, act: () => join.submit() }, "news");
      return;
    }
    const act = () => {
      this.#next = invite;
      this.#followLink(); // the call may have ended meanwhile
      if (this.#next !== null) leave();
    };
    notice.say(strings.linkToInCall(room), { label: strings.leaveAndJoin, act }, "news");
  }

  /** The person joins: what was asked is answered. */
  answer() {
    if (this.#asking) this.#around.notice.dismiss();
    this.#asking = false;
  }

  /** @param {string} version that can be installed */
  versionCame(version) {
    this.#version = version;
    this.#tellOfVersion();
  }

  /** The call's state may be another one. */
  update() {
    this.#followLink();
    this.#tellOfVersion();
  }

  /** Joins where a link led, now that there is no call. */
  #followLink() {
    const { join, isIdle } = this.#around;
    if (this.#next === null || !isIdle()) return;
    join.setRoom(this.#next, true);
    this.#next = null;
    join.submit();
  }

  #tellOfVersion() {
    const { notice, isIdle, installUpdate } = this.#around;
    if (this.#version === null || !isIdle()) return;
    notice.say(strings.updateThere(this.#version), { label: strings.updateInstall, act: installUpdate }, "news");
    this.#version = null;
  }
}
