/**
 * The library for TypeScript programs: `import { interfaces } from "userspace-cni/container"`. The plain functions at the
 * end need no knowledge of Effect; the rest is for programs that use it. Described in docs/container.md.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Changes } from "../platform/Changes.ts"
import { Files } from "../platform/Files.ts"
import { type Discovered, defaultSearchPaths, find, type SearchPaths } from "./Discovery.ts"
import * as Presence from "./Presence.ts"
import type { Interface } from "./told/Interface.ts"
import { type Expected, wait } from "./Wait.ts"

export { CurrentUser, type Identity } from "../platform/process/CurrentUser.ts"
export { ContainerError } from "./ContainerError.ts"
export { type Discovered, defaultSearchPaths, find, type SearchPaths } from "./Discovery.ts"
export { type DpdkOptions, testpmdArguments, vdevArguments } from "./DpdkArguments.ts"
export { look, type Presence } from "./Presence.ts"
export { type Annotations, parseAnnotations } from "./told/Annotations.ts"
export { readConfigurationData } from "./told/ConfigurationData.ts"
export {
  type Address,
  type Interface,
  type MemifInterface,
  type Route,
  socketMadeBy,
  type VhostUserInterface
} from "./told/Interface.ts"
export { readDeviceInfo, readNetworkStatus } from "./told/NetworkStatus.ts"
export type { Part, Reading } from "./told/Part.ts"
export type { Sandbox, SandboxSource } from "./told/Sandbox.ts"
export { type Expected, wait } from "./Wait.ts"

/** What {@link find} and {@link wait} need, on the real file system. */
export const layer: Layer.Layer<Files | Changes> = Layer.mergeAll(Files.layer, Changes.layer)

/** What this container got, now. Does not throw: what cannot be read is in `problems`. */
export const interfaces = (places: Partial<SearchPaths> = {}): Discovered =>
  Effect.runSync(Effect.provide(find({ ...defaultSearchPaths, ...places }), layer))

/** Whether the interface's socket is there now, and what to do when it is not. */
export const presenceOf = (one: Interface): Presence.Presence =>
  Effect.runSync(Effect.provide(Presence.look(one), layer))

/** Resolves when everything expected is there; rejects with a ContainerError when the time is over. */
export const whenThere = (
  expected: Partial<Expected> = {},
  options: { readonly places?: Partial<SearchPaths>; readonly timeout?: Duration.Input } = {}
): Promise<Discovered> => {
  const { count, names = [] } = expected
  const places = { ...defaultSearchPaths, ...options.places }
  return Effect.runPromise(Effect.provide(wait(places, { names, count }, options.timeout ?? "1 minute"), layer))
}
