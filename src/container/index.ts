/**
 * The library for TypeScript programs: `import { interfaces } from "userspace-cni/container"`. The plain functions at
 * the end need no knowledge of Effect; the rest is for programs that use it. Documented in docs/container.md.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Changes } from "../platform/Changes.ts"
import { Files } from "../platform/Files.ts"
import { type Discovered, defaultSearchPaths, find, type SearchPaths } from "./Discovery.ts"
import * as Presence from "./Presence.ts"
import type { Interface } from "./read/Interface.ts"
import { type Expected, wait } from "./Wait.ts"

export { CurrentUser, type Identity } from "../platform/process/CurrentUser.ts"
export { ContainerError } from "./ContainerError.ts"
export { type Discovered, defaultSearchPaths, find, type SearchPaths } from "./Discovery.ts"
export { type DpdkOptions, testpmdArguments, vdevArguments } from "./DpdkArguments.ts"
export { look, type Presence } from "./Presence.ts"
export { type Annotations, parseAnnotations } from "./read/Annotations.ts"
export { readConfigurationData } from "./read/ConfigurationData.ts"
export {
  type Address,
  type Interface,
  type MemifInterface,
  type Route,
  socketMadeBy,
  type VhostUserInterface
} from "./read/Interface.ts"
export { readDeviceInfo, readNetworkStatus } from "./read/NetworkStatus.ts"
export type { Part, Reading } from "./read/Part.ts"
export type { Sandbox, SandboxSource } from "./read/Sandbox.ts"
export { type Expected, wait } from "./Wait.ts"

/** The requirements of {@link find} and {@link wait}, on the real file system. */
export const layer: Layer.Layer<Files | Changes> = Layer.mergeAll(Files.layer, Changes.layer)

/** Returns the interfaces of this container now. Does not throw: `problems` lists what cannot be read. */
export const interfaces = (places: Partial<SearchPaths> = {}): Discovered =>
  Effect.runSync(Effect.provide(find({ ...defaultSearchPaths, ...places }), layer))

/** Returns whether the interface's socket exists now, and what to do if not. */
export const presenceOf = (one: Interface): Presence.Presence =>
  Effect.runSync(Effect.provide(Presence.look(one), layer))

/** Resolves when everything expected is there; rejects with a ContainerError at the timeout. */
export const whenThere = (
  expected: Partial<Expected> = {},
  options: { readonly places?: Partial<SearchPaths>; readonly timeout?: Duration.Input } = {}
): Promise<Discovered> => {
  const { count, names = [] } = expected
  const places = { ...defaultSearchPaths, ...options.places }
  return Effect.runPromise(Effect.provide(wait(places, { names, count }, options.timeout ?? "1 minute"), layer))
}
