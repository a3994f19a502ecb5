/** The files that a VPP makes and finds, under the names that it knows: real ones, or those of a node in memory. */

export interface Listener {
  /** The file stays. */
  readonly close: () => unknown
}

export interface Disk {
  /** Undefined: nothing is there. */
  readonly kind: (path: string) => "socket" | "other" | undefined
  readonly makeDirectory: (path: string) => void
  /** A file; gone already is fine. */
  readonly remove: (path: string) => void
  /** Undefined when the directory is not there. */
  readonly listen: (path: string, mode: number) => Listener | undefined
  /** Somebody listens on that path. */
  readonly isListening: (path: string) => boolean
}
