/**
 * The container config of a port: a file beside its socket, annotations of its pod, and for Multus the device
 * information file. Also the pod's directory for files. Two layers: `FileContainerConfig.ts`, and
 * `PodContainerConfig.ts` for a network with credentials for the API server.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { PodsError } from "../kubernetes/PodsError.ts"
import type { Edges } from "../platform/Edges.ts"
import type { SharedDir } from "../shared-dir/SharedDir.ts"
import type { SharedDirError } from "../shared-dir/SharedDirError.ts"
import type { SocketPaths, Volume } from "../shared-dir/SocketPaths.ts"
import type { ContainerData } from "./ContainerData.ts"

export interface PodMount {
  /** The pod's own volume; undefined: the network says where. */
  readonly volume: Volume | undefined
  /** The directory of the sockets in the container, with a slash at the end. */
  readonly mappedDir: string
}

type Done<A = void> = Effect.Effect<A, PodsError | SharedDirError>

export class ContainerConfig extends Context.Service<
  ContainerConfig,
  {
    /** Asked before the first change of ADD. */
    readonly podMount: Done<PodMount>
    /** Where files may be of an attachment that has no record: what can still be found out. */
    readonly oldVolumes: Effect.Effect<ReadonlyArray<Volume>>
    /** Publishes the container config, replacing an earlier one of this interface. */
    readonly publish: (place: SocketPaths, data: ContainerData) => Done
    /** Withdraws it; a missing one is not a failure. A file beside the socket is removed with the shared directory. */
    readonly withdraw: Done
    /** Differences from what `publish` wrote, in words. */
    readonly verify: (place: SocketPaths) => Done<ReadonlyArray<string>>
    /** The device information file as it is; undefined when there is none. */
    readonly described: (path: string) => Done<string | undefined>
    /** The directories that `describe` would make. */
    readonly undescribed: (path: string) => Done<ReadonlyArray<string>>
    /** Writes it; undefined removes it, and of its directories those that are ours. `made`: from `undescribed`. */
    readonly describe: (path: string, text: string | undefined, made: ReadonlyArray<string>) => Done
  }
>()("userspace-cni/ContainerConfig") {}

/** Where applications look when nothing else is said. */
export const defaultMappedDir = "/var/lib/cni/usrspcni/"

/** Publishes to container and Multus; connects to the API server at first use. */
export type ContainerConfigLayer = Layer.Layer<ContainerConfig, never, Edges | SharedDir>
