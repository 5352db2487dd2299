// The part of WebCodecs (W3C) that Maru uses. Debian's TypeScript does not know it yet; other names
// than the standard's keep this from clashing with one that does.

export interface Picture {
  readonly displayWidth: number;
  readonly displayHeight: number;
  close(): void;
}

export interface DecoderConfig {
  codec: string;
  /** The configuration record; frames then have lengths instead of start codes. */
  description?: Uint8Array;
  optimizeForLatency?: boolean;
}

export interface Decoder {
  readonly state: "unconfigured" | "configured" | "closed";
  configure(config: DecoderConfig): void;
  decode(chunk: Chunk): void;
  close(): void;
}

export interface Chunk {
  readonly byteLength: number;
}

export interface WebCodecs {
  VideoDecoder: {
    new (init: { output: (picture: Picture) => void; error: (error: Error) => void }): Decoder;
    isConfigSupported(config: DecoderConfig): Promise<{ supported?: boolean }>;
  };
  EncodedVideoChunk: new (init: { type: "key" | "delta"; timestamp: number; data: Uint8Array }) => Chunk;
}
