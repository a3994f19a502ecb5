import type { Variables } from "../cni/spec/Environment.ts"

/** One call of a delegate. */
export interface Delegation {
  /** `ipam.type`. */
  readonly plugin: string
  /** The network configuration, whole, as text. */
  readonly configuration: string
  /** Our environment; CNI_COMMAND is set for each call. */
  readonly variables: Variables
  readonly path: ReadonlyArray<string>
}
