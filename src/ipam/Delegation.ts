import type { Variables } from "../cni/spec/Environment.ts"

/** The parameters of one call of a delegate. */
export interface Delegation {
  /** `ipam.type`. */
  readonly plugin: string
  /** The complete text of the network configuration. */
  readonly configuration: string
  /** The plugin's environment; CNI_COMMAND is set for each call. */
  readonly variables: Variables
  readonly path: ReadonlyArray<string>
}
