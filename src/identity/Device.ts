/**
 * The names of a device: a port of the node that kubelet has given to a container. `devices/` hands them out, and an ADD
 * finds the container's directory by them. Pure.
 */
import { join } from "node:path"

/** Of a resource: pods ask for `userspace-cni/br-dpdk`. */
export const fullName = (resource: string): string => `userspace-cni/${resource}`

/** The link that leads to the directory of the container that has the device. */
export const linkOf = (stateDir: string, device: string): string => join(stateDir, "devices", device)

/** Where the container finds the directory. */
export const mountedAt = (resource: string): string => `/var/run/userspace/${resource}`

/** The name of a resource; undefined: the text is no device of the plugin. `br-dpdk-3` is one of `br-dpdk`. */
export const resourceOf = (device: string): string | undefined =>
  /^([a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?)-\d{1,4}$/.exec(device)?.[1]
