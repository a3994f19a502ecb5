/**
 * Merges the sources: one interface for each name, each value from the first source that has it. Only data of one
 * sandbox is used: a pod with a recreated sandbox, or a directory of several pods, can have data of several. Pure.
 */
import { type Interface, inOrder } from "./Interface.ts"
import type { End, Part } from "./Part.ts"
import { mountedFrom, namedByMounts, type Sandbox } from "./Sandbox.ts"

interface Sources {
  /** In the order of the annotation, the newest last. */
  readonly annotation: ReadonlyArray<Part>
  readonly files: ReadonlyArray<Part>
  /** Device information of named files: less detailed, and without container. */
  readonly devices: ReadonlyArray<Part>
  /** The same from Multus' annotation, which is as old as the other annotation. */
  readonly status: ReadonlyArray<Part>
}

interface Merged {
  readonly interfaces: ReadonlyArray<Interface>
  readonly problems: ReadonlyArray<string>
  readonly sandbox: Sandbox
  /** True: all data is of other sandboxes. */
  readonly others: boolean
}

/** `asked`: a container id, or its beginning. `mounts`: those of this process. */
export const merge = (sources: Sources, asked: string | undefined, mounts: string): Merged => {
  const { annotation, devices, files, status } = sources
  const newestFirst = [...annotation].reverse()
  const sandbox = sandboxOf(newestFirst, files, asked, mounts)
  const ids = idsOf(files)
  if (sandbox.id === undefined && ids.size > 1) {
    const problem = `there is configuration of several containers (${[...ids].join(", ")}): select one with --container-id`
    return { interfaces: together([...devices, ...status]), problems: [problem], sandbox, others: false }
  }
  const isCurrent = ({ containerId }: Part) =>
    sandbox.id === undefined || containerId === undefined || containerId.startsWith(sandbox.id)
  const current = [...newestFirst.filter(isCurrent), ...files.filter(isCurrent)]
  // Annotations of other sandboxes only were written before this sandbox existed, and so was Multus' status.
  const old = annotation.length > 0 && !annotation.some(isCurrent)
  const others = [annotation, files].map((parts) => parts.filter((part) => !isCurrent(part)))
  return {
    interfaces: together([...current, ...devices, ...(old ? [] : status)]),
    problems:
      sandbox.source === "asked" ? mistaken(sandbox, current, others.flat()) : ofOthers(sandbox, current, others),
    sandbox,
    others: current.length === 0 && others.flat().length > 0
  }
}

const idsOf = (parts: ReadonlyArray<Part>): ReadonlySet<string> =>
  new Set(parts.flatMap(({ containerId = [] }) => containerId))

const sandboxOf = (
  newestFirst: ReadonlyArray<Part>,
  files: ReadonlyArray<Part>,
  asked: string | undefined,
  mounts: string
): Sandbox => {
  if (asked !== undefined) return { id: asked, source: "asked" }
  const named = namedByMounts(mounts) ?? mountedFrom(idsOf([...newestFirst, ...files]), mounts)
  if (named !== undefined) return { id: named, source: "mounts" }
  const newest = newestFirst.find(({ containerId }) => containerId !== undefined)?.containerId
  return newest === undefined ? { id: undefined, source: "nothing" } : { id: newest, source: "annotation" }
}

const mistaken = ({ id }: Sandbox, current: ReadonlyArray<Part>, others: ReadonlyArray<Part>): ReadonlyArray<string> =>
  current.length > 0 || others.length === 0
    ? []
    : [`nothing belongs to container ${id} (--container-id), only to ${[...idsOf(others)].join(", ")}`]

/** The annotation belongs to the pod, so other sandboxes in it are earlier ones. Files can be of other pods. */
const ofOthers = (
  { id = "" }: Sandbox,
  current: ReadonlyArray<Part>,
  [annotation = [], files = []]: ReadonlyArray<ReadonlyArray<Part>>
): ReadonlyArray<string> => {
  const short = (ids: ReadonlySet<string>) => [...ids].map((one) => one.slice(0, 12))
  const missing = annotation.filter(({ name }) => !current.some((part) => part.name === name))
  const names = [...new Set(missing.map(({ name }) => name))]
  const here = `this container is in sandbox ${id.slice(0, 12)}`
  const [first] = missing
  return [
    ...(first === undefined
      ? []
      : [`${first.source}: ${names.join(", ")} of an earlier sandbox, ${short(idsOf(missing)).join(", ")}; ${here}`]),
    ...(current.length > 0 || files.length === 0
      ? []
      : [`configData-*.json of other sandboxes only, ${short(idsOf(files)).slice(0, 4).join(", ")}; ${here}`])
  ]
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
