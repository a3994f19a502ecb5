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

/** `asked`: a container id, or its beginning. */
export const merge = ({ annotation, devices, files }: Sources, asked: string | undefined): Merged => {
  const elements = [...annotation].reverse()
  const ids = new Set(files.flatMap(({ containerId = [] }) => containerId))
  const current = asked ?? elements.find(({ containerId }) => containerId !== undefined)?.containerId
  if (current === undefined && ids.size > 1) {
    const problem = `there is the data of several containers (${[...ids].join(", ")}): say which with --container-id`
    return { interfaces: together(devices), problems: [problem] }
  }
  const ofCurrent = ({ containerId }: Part) =>
    current === undefined || containerId === undefined || containerId.startsWith(current)
  return { interfaces: together([...elements.filter(ofCurrent), ...files.filter(ofCurrent), ...devices]), problems: [] }
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
