/**
 * Finds the container config in the container: the downward API's annotations, `configData-*.json` in the shared
 * directory, device information files. Changes nothing and never fails: unreadable sources are reported. Sizes are
 * bounded, and no link is followed in the shared directory, where others can write.
 */
import { dirname, resolve } from "node:path"
import * as Effect from "effect/Effect"
import { Files } from "../platform/Files.ts"
import { configurationDataKey, mappedDirKey, networkStatusKeys, parseAnnotations } from "./told/Annotations.ts"
import { readConfigurationData } from "./told/ConfigurationData.ts"
import type { Interface } from "./told/Interface.ts"
import { merge } from "./told/Merge.ts"
import { readDeviceInfo, readNetworkStatus } from "./told/NetworkStatus.ts"
import { absolutePath, nothing, type Reading, shown } from "./told/Part.ts"
import type { Sandbox } from "./told/Sandbox.ts"
import { fileLimit, inWords, mountsOf, readDirectory, readThroughLinks, readWith } from "./told/SharedDirectory.ts"

export interface SearchPaths {
  /** The downward API's file of annotations. */
  readonly annotations: string
  /** Mount point of the shared directory. Undefined: from the annotation, else {@link defaultDirectory}. */
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

  const elements = annotations.get(configurationDataKey)
  const annotation =
    elements === undefined ? nothing : readConfigurationData(`annotation ${configurationDataKey}`, directory, elements)
  const status = networkStatusKeys.flatMap((key) => {
    const json = annotations.get(key)
    return json === undefined ? [] : [readNetworkStatus(`annotation ${key}`, json)]
  })
  const shared = yield* readDirectory(files, directory)
  const devices = yield* Effect.forEach(Object.entries(places.deviceInfo), ([name, path]) =>
    readWith(path, readThroughLinks(files, path, fileLimit), (text) => readDeviceInfo(path, name, text))
  )

  const all = {
    annotation: annotation.parts,
    files: shared.parts,
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
      ...[annotation, shared, ...devices, ...status].flatMap((reading) => reading.problems),
      ...problems
    ],
    looked: [
      `annotations ${places.annotations}: ${annotations.looked}`,
      `shared directory ${directory}: ${shared.looked}`
    ],
    directories: [
      dirname(places.annotations),
      ...shared.directories,
      ...interfaces.map(({ socket }) => dirname(socket))
    ]
  }
})

const partsOf = ({ parts }: Reading) => parts

const readAnnotations = (files: Files["Service"], path: string) =>
  Effect.match(readThroughLinks(files, path, annotationsLimit), {
    onFailure: (error) => ({
      get: () => undefined,
      problems: error.code === "ENOENT" || error.code === "ENOTDIR" ? [] : [inWords(error)],
      looked: inWords(error)
    }),
    onSuccess: (text) => {
      const annotations = parseAnnotations(text)
      const ours = [configurationDataKey, mappedDirKey, ...networkStatusKeys].filter((key) => annotations.get(key))
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
