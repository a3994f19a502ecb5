/**
 * Finds the container config in the container: the downward API's annotations, `configData-*.json` in the shared
 * directory, device information files. Merges them: one interface for each name, each value from the first source that
 * has it, of one sandbox only. Changes nothing and never fails: unreadable sources are reported. Sizes are bounded, and
 * no link is followed in the shared directory, where others can write.
 */
import { dirname, join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import { dataKey, mappedDirKey } from "../identity/ConfigurationData.ts"
import { mountedAt } from "../identity/Device.ts"
import { Files } from "../platform/Files.ts"
import { networkStatusKeys, parseAnnotations } from "./read/Annotations.ts"
import { readConfigurationData } from "./read/ConfigurationData.ts"
import { type Interface, inOrder } from "./read/Interface.ts"
import { readDeviceInfo, readNetworkStatus } from "./read/NetworkStatus.ts"
import { absolutePath, type End, nothing, type Part, type Reading, shown } from "./read/Part.ts"
import { mountedFrom, namedByMounts, type Sandbox } from "./read/Sandbox.ts"
import { fileLimit, inWords, mountsOf, readDirectory, readThroughLinks, readWith } from "./read/SharedDirectory.ts"

export interface SearchPaths {
  /** The downward API's file of annotations. */
  readonly annotations: string
  /**
   * Mount point of the shared directory. Undefined: from the annotation, else {@link defaultDirectory}. With that of a
   * device, those of the container's other devices are read as well.
   */
  readonly directory: string | undefined
  /** Files of device information, by the interface that they describe. */
  readonly deviceInfo: Readonly<{ [ifName: string]: string }>
  /** The sandbox's id or its beginning, if the runtime does not name it. */
  readonly containerId: string | undefined
}

/** The defaults of the original plugin's pods. */
export const defaultDirectory = "/var/lib/cni/usrspcni"
export const defaultSearchPaths: SearchPaths = {
  annotations: "/etc/podinfo/annotations",
  directory: undefined,
  deviceInfo: {},
  containerId: undefined
}

export interface Discovered {
  /** Ordered by name, `net2` before `net10`. */
  readonly interfaces: ReadonlyArray<Interface>
  /** The sandbox whose data is used. */
  readonly sandbox: Sandbox
  /** True: all data found is of other sandboxes, and this one's is still missing. */
  readonly others: boolean
  /** What was skipped, and why. */
  readonly problems: ReadonlyArray<string>
  /** The searched places with what was there, for messages. */
  readonly looked: ReadonlyArray<string>
  /** Directories in which a change can affect the result. */
  readonly directories: ReadonlyArray<string>
}

/** An API server stores 256 KiB of annotations; quoted they can be several times longer. */
const annotationsLimit = 2 << 20

export const find = Effect.fn("find the interfaces")(function* (
  places: SearchPaths
): Effect.fn.Return<Discovered, never, Files> {
  const files = yield* Files
  const annotations = yield* readAnnotations(files, places.annotations)
  const mapped = annotations.get(mappedDirKey)
  const told = mapped === undefined ? undefined : absolutePath(mapped)
  const directory = places.directory === undefined ? (told ?? defaultDirectory) : resolve(places.directory)

  const elements = annotations.get(dataKey)
  const annotation =
    elements === undefined ? nothing : readConfigurationData(`annotation ${dataKey}`, directory, elements)
  const status = networkStatusKeys.flatMap((key) => {
    const json = annotations.get(key)
    return json === undefined ? [] : [readNetworkStatus(`annotation ${key}`, json)]
  })
  const shared = yield* Effect.forEach(yield* withOtherDevices(files, directory), (path) =>
    Effect.map(readDirectory(files, path), (reading) => ({ ...reading, path }))
  )
  const devices = yield* Effect.forEach(Object.entries(places.deviceInfo), ([name, path]) =>
    readWith(path, readThroughLinks(files, path, fileLimit), (text) => readDeviceInfo(path, name, text))
  )

  const all = {
    annotation: annotation.parts,
    files: shared.flatMap(partsOf),
    devices: devices.flatMap(partsOf),
    status: status.flatMap(partsOf)
  }
  const { interfaces, others, problems, sandbox } = merge(all, places.containerId, yield* mountsOf(files))
  return {
    interfaces,
    sandbox,
    others,
    problems: [
      ...annotations.problems.map((problem) => `${places.annotations}: ${problem}`),
      ...(mapped !== undefined && told === undefined
        ? [`annotation ${mappedDirKey}: ${shown(mapped)} is not an absolute path`]
        : []),
      ...[annotation, ...shared, ...devices, ...status].flatMap((reading) => reading.problems),
      ...problems
    ],
    looked: [
      `annotations ${places.annotations}: ${annotations.looked}`,
      ...shared.map(({ looked, path }) => `shared directory ${path}: ${looked}`)
    ],
    directories: [
      dirname(places.annotations),
      ...shared.flatMap(({ directories }) => directories),
      ...interfaces.map(({ socket }) => dirname(socket))
    ]
  }
})

const partsOf = ({ parts }: Pick<Reading, "parts">) => parts

/** Kubelet sets one USERSPACE_DIR, also in a container with devices of several resources, each with a mount of its own. */
const withOtherDevices = (files: Files["Service"], directory: string): Effect.Effect<ReadonlyArray<string>> => {
  const above = dirname(directory)
  if (above !== dirname(mountedAt("any"))) return Effect.succeed([directory])
  return Effect.match(files.list(above), {
    onFailure: () => [directory],
    onSuccess: (names) => [...new Set([directory, ...names.toSorted().map((name) => join(above, name))])]
  })
}

const readAnnotations = (files: Files["Service"], path: string) =>
  Effect.match(readThroughLinks(files, path, annotationsLimit), {
    onFailure: (error) => ({
      get: () => undefined,
      problems: error.code === "ENOENT" || error.code === "ENOTDIR" ? [] : [inWords(error)],
      looked: inWords(error)
    }),
    onSuccess: (text) => {
      const annotations = parseAnnotations(text)
      const ours = [dataKey, mappedDirKey, ...networkStatusKeys].filter((key) => annotations.get(key))
      return { ...annotations, looked: ours.length === 0 ? "no interface of this plugin in it" : ours.join(", ") }
    }
  })

/** The cure when no source describes an interface. */
export const cureForUntold = ({ interfaces, others }: Pick<Discovered, "interfaces" | "others">): string =>
  others
    ? "Run `userspace container wait` to wait for this sandbox's ADD: kubelet takes up to a minute to write new " +
      "annotations. On the node, check the plugin's log for the ADD."
    : interfaces.length === 0
      ? "Mount the pod's annotations with the downward API and its volume shared-dir, or give their paths with " +
        "--annotations and --dir (docs/container.md). On the node, check the plugin's log for the ADD."
      : `Only ${interfaces.map(({ name }) => name).join(", ")} can be found here. For another one, check the plugin's log on ` +
        "the node for its ADD, and wait: kubelet takes up to a minute to write new annotations."

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
const merge = (sources: Sources, asked: string | undefined, mounts: string): Merged => {
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
