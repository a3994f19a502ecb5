/** An attachment that was found on the node. */
import type { Control } from "../cni/network/HostPort.ts"
import type { Attachment, Identity } from "../identity/Attachment.ts"
import type { Owned } from "../vswitch/Vswitch.ts"
import type { Record } from "./records/Record.ts"

/** A port with our mark, and its switch. */
export interface ObservedPort {
  readonly at: Control
  readonly owned: Owned
  /** The mark is that of the original plugin's fork. */
  readonly isLegacy?: boolean
}

export interface ObservedAttachment {
  readonly key: string
  /** Undefined when only VPP has it, whose mark is too short for the names. */
  readonly who: (Identity & Pick<Attachment, "pod">) | undefined
  readonly record: Record | undefined
  /**
   * The record of an ADD that was killed before it claimed it. Its configuration is valid, but its files may be
   * another's.
   */
  readonly begun: Record | undefined
  readonly ports: ReadonlyArray<ObservedPort>
  /** Without a record: its sandbox is certainly gone. */
  readonly isGone?: boolean
}
