/**
 * The container config of a port: a file beside its socket, annotations of its pod, and for Multus the device
 * information file; also the pod's directory for files. There are two layers: `ContainerConfigs.ts`, and
 * `PodContainerConfig.ts` for a network with credentials for the API server.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { ConfigurationData } from "../identity/ConfigurationData.ts"
import type { PodsError } from "../kubernetes/PodsError.ts"
import type { Edges } from "../platform/Edges.ts"
import type { SharedDirError } from "../shared-dir/Directories.ts"
import type { SharedDir } from "../shared-dir/SharedDir.ts"
import type { SocketPaths, Volume } from "../shared-dir/SocketPaths.ts"

export interface PodMount {
  /** The pod's own volume; undefined: the network's directory is used. */
  readonly volume: Volume | undefined
  /** The directory of the sockets in the container, with a slash at the end. */
  readonly mappedDir: string
}

type Done<A = void> = Effect.Effect<A, PodsError | SharedDirError>

export class ContainerConfig extends Context.Service<
  ContainerConfig,
  {
    /** Resolves the pod's volume, before the first change of ADD. */
    readonly podMount: Done<PodMount>
    /** Returns the volumes that may contain files of an attachment without a record, as far as they can be known. */
    readonly oldVolumes: Effect.Effect<ReadonlyArray<Volume>>
    /** Publishes the container config, replacing an earlier one of this interface. */
    readonly publish: (place: SocketPaths, data: ConfigurationData) => Done
    /** A missing one is not a failure. A file beside the socket is removed with the shared directory. */
    readonly withdraw: Done
    /** Returns differences from what `publish` wrote, in words. */
    readonly verify: (place: SocketPaths) => Done<ReadonlyArray<string>>
    /** Returns the device information file's content, or undefined. */
    readonly described: (path: string) => Done<string | undefined>
    /** Returns the directories that `describe` would create. */
    readonly undescribed: (path: string) => Done<ReadonlyArray<string>>
    /** Undefined removes the file, with those of its directories that are ours. `made`: from `undescribed`. */
    readonly describe: (path: string, text: string | undefined, made: ReadonlyArray<string>) => Done
  }
>()("userspace-cni/ContainerConfig") {}

/** The default directory in which applications look. */
export const defaultMappedDir = "/var/lib/cni/usrspcni/"

/** Where the files of an attachment are, or may be. */
export type Mounts = Pick<ContainerConfig["Service"], "podMount" | "oldVolumes">

/** A layer that publishes to container and Multus. It connects to the API server on first use. */
export type ContainerConfigLayer = Layer.Layer<ContainerConfig, never, Edges | SharedDir>
