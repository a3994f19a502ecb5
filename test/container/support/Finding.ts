/** Helpers of the tests of `find`. */
import { Effect } from "effect"
import { find, type SearchPaths } from "../../../src/container/Discovery.ts"
import { filesWith } from "./Mounts.ts"

export const found = (places: SearchPaths, mountinfo = "") => Effect.provide(find(places), filesWith(mountinfo))

export const names = ({ interfaces }: { readonly interfaces: ReadonlyArray<{ readonly name: string }> }) =>
  interfaces.map(({ name }) => name)

/** The id of a container that is not the pod's own. */
export const other = "ffffffffffffaaaa"
