import type { PortRequest, Unplug } from "../../../src/vswitch/Vswitch.ts"

/** The request of a DEL of the same attachment. */
export const unplugOf = (made: PortRequest, more: Partial<Unplug> = {}): Unplug => ({
  attachment: made.attachment,
  invocation: undefined,
  port: made.port,
  socketPath: made.socketPath,
  ...more
})
