/** The name of a switch in labels: no path of the node is in it. Pure. */
import { sha256 } from "#sha256"
import type { Control } from "../../cni/network/HostPort.ts"
import { defaultControl } from "../../cni/network/HostPorts.ts"
import type { Variables } from "../../cni/types/Environment.ts"

/**
 * The engine, for the switch that is where it is by default. Of another the first eight digits of the path's SHA-256 follow:
 * `printf %s /run/vpp2/api.sock | sha256sum | cut -c1-8`.
 */
export const nameIn =
  (variables: Variables) =>
  ({ control, engine }: Control): string =>
    control === defaultControl(engine, variables) ? engine : `${engine}-${sha256(control).toString("hex").slice(0, 8)}`
