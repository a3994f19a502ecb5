/** The two ends of a connection to the VPP in TypeScript. */

/** A client's end of its connection. */
export interface Peer {
  readonly destroyed: boolean
  readonly write: (bytes: Uint8Array) => unknown
  /** The last bytes. */
  readonly end: (bytes: Uint8Array) => unknown
  readonly destroy: () => unknown
}

/** What a client does. */
export interface Heard {
  readonly bytes: (chunk: Buffer) => void
  /** It has closed, or was closed. */
  readonly gone: () => void
}
