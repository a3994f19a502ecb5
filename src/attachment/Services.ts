/** What the programs need, by name: provided by the executable, by a dry run, by the tests, by fault runs. */
import type * as Layer from "effect/Layer"
import type { Ipam } from "../ipam/Ipam.ts"
import type { Files } from "../platform/Files.ts"
import type { Https } from "../platform/Https.ts"
import type { Namespaces } from "../platform/Namespaces.ts"
import type { Processes } from "../platform/Processes.ts"
import type { Slots } from "../platform/Slots.ts"
import type { Sockets } from "../platform/Sockets.ts"
import type { SharedDir } from "../shared-dir/SharedDir.ts"
import type { Vswitch } from "../vswitch/Vswitch.ts"
import type { Handover } from "./Handover.ts"
import type { Records } from "./Records.ts"

/** The edges: everything outside the process. */
export type Edges = Files | Https | Namespaces | Processes | Slots | Sockets

/** One layer for a switch; it dials when it is first asked. */
export type EngineLayer = Layer.Layer<Vswitch, never, Edges>

/** What tells container and Multus; it reaches for the API server when it is first asked. */
export type HandoverLayer = Layer.Layer<Handover, never, Edges | SharedDir>

export type Services = Handover | Vswitch | Ipam | SharedDir | Records
