/**
 * Several sources' words put together: one interface for each name, each value from the first source that has it. Only
 * of one container: a pod that was restarted, or a directory of several pods, can hold the data of more. Pure.
 */
import { type Interface, inOrder } from "./Interface.ts"
import type { End, Part } from "./Part.ts"

export interface Sources {
  /** Newest last, as they stand in the annotation. */
  readonly annotation: ReadonlyArray<Part>
  readonly files: ReadonlyArray<Part>
  /** Device information: less detailed, and without container. */
  readonly devices: ReadonlyArray<Part>
}

export interface Merged {
  readonly interfaces: ReadonlyArray<Interface>
  readonly problems: ReadonlyArray<string>
}

export const containersOf = (files: ReadonlyArray<Part>): ReadonlySet<string> =>
  new Set(files.flatMap(({ containerId = [] }) => containerId))

/** `asked`: a container id, or its beginning. `mounts`: of this process, see {@link own}. */
export const merge = ({ annotation, devices, files }: Sources, asked: string | undefined, mounts: string): Merged => {
  const elements = [...annotation].reverse()
  const ids = containersOf(files)
  const told = asked ?? elements.find(({ containerId }) => containerId !== undefined)?.containerId
  const current = told ?? (ids.size > 1 ? own(ids, mounts) : undefined)
  if (current === undefined && ids.size > 1) {
    const problem = `there is the data of several containers (${[...ids].join(", ")}): say which with --container-id`
    return { interfaces: together(devices), problems: [problem] }
  }
  const ofCurrent = ({ containerId }: Part) =>
    current === undefined || containerId === undefined || containerId.startsWith(current)
  const left = new Set([...annotation, ...files].flatMap((part) => (ofCurrent(part) ? [] : (part.containerId ?? []))))
  const mistaken = asked !== undefined && left.size > 0 && !annotation.some(ofCurrent) && !files.some(ofCurrent)
  return {
    interfaces: together([...elements.filter(ofCurrent), ...files.filter(ofCurrent), ...devices]),
    problems: mistaken ? [`nothing is of container ${asked} (--container-id), but of ${[...left].join(", ")}`] : []
  }
}

/**
 * The sandbox that this process is in: runtimes mount its `/etc/hostname` and others from a directory of the node with
 * the sandbox's whole id in its name, which proc_pid_mountinfo(5) shows.
 */
const own = (ids: ReadonlySet<string>, mounts: string): string | undefined => {
  const [found, ...others] = [...ids].filter((id) => id.length >= 12 && mounts.includes(`/${id}/`))
  return others.length === 0 ? found : undefined
}

const together = (parts: ReadonlyArray<Part>): ReadonlyArray<Interface> => {
  const byName = Map.groupBy(parts, ({ name }) => name)
  return inOrder(
    [...byName.values()].flatMap((same) => {
      const end = same.find((part) => part.end !== undefined)?.end
      return end === undefined ? [] : [whole(same, end)]
    })
  )
}

const whole = (parts: ReadonlyArray<Part>, end: End): Interface => ({
  name: parts[0]?.name ?? "",
  network: parts.find(({ network }) => network !== undefined)?.network,
  containerId: parts.find(({ containerId }) => containerId !== undefined)?.containerId,
  mac: parts.find(({ mac }) => mac !== undefined)?.mac?.toLowerCase(),
  mtu: parts.find(({ mtu }) => mtu !== undefined)?.mtu,
  addresses: parts.find(({ addresses }) => addresses.length > 0)?.addresses ?? [],
  routes: parts.find(({ routes }) => routes.length > 0)?.routes ?? [],
  ...end
})
