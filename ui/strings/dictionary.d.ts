// What a dictionary holds. Written by hand; the sentences that the backend in Rust can say are generated.

import type { Sentence } from "../types/engine";
import type { DeviceKind } from "../types/media";
import type { en } from "./en.js";

/** What only a guest's browser has to say. */
export type GuestSentence =
  | { key: "sound_blocked"; values: {} }
  | { key: "page_not_secure"; values: {} }
  | { key: "no_webrtc"; values: {} }
  | { key: "no_devices"; values: {} }
  | { key: "no_common_codec"; values: { name: string } }
  | { key: "permission_denied"; values: { kind: DeviceKind } }
  | { key: "screen_refused"; values: {} }
  | { key: "screen_failed_here"; values: { problem: string } }
  | { key: "device_in_use"; values: { kind: DeviceKind; name: string } }
  | { key: "device_missing"; values: { kind: DeviceKind } }
  | { key: "file_too_large_here"; values: { limit: number } }
  | { key: "settings_not_kept"; values: {} }
  | { key: "part_not_loaded"; values: {} };

export type Said = Sentence | GuestSentence;

/** One sentence for every key, made from that key's values. */
export type Notices = { [Key in Said["key"]]: (values: Extract<Said, { key: Key }>["values"]) => string };

/** Every language has what English has, with the same parameters. */
export type Dictionary = typeof en;
