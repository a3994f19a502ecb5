/**
 * The pod's annotations: `userspace/configuration-data`, a JSON array with one element for each interface, and
 * `userspace/mapped-dir`, the directory of the sockets in the container. Elements are found by `containerId` and
 * `ifName`; others are not changed. Names and forms are the original plugin's. Pure.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isTooDeep } from "../cni/types/JsonDepth.ts"
import type { Annotations, Changes } from "./PodDocument.ts"

export const dataKey = "userspace/configuration-data"
export const mappedDirKey = "userspace/mapped-dir"

interface Key {
  readonly containerId: string
  readonly ifName: string
}

const decodeArray = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.Unknown)))
const isKey = Schema.is(Schema.Struct({ containerId: Schema.String, ifName: Schema.String }))
const isNamed = Schema.is(Schema.Struct({ name: Schema.String }))

const isFor =
  ({ containerId, ifName }: Key) =>
  (element: unknown): boolean =>
    isKey(element) && element.containerId === containerId && element.ifName === ifName

/** Returns the elements, or undefined if the value is not an array or cannot be written back unchanged. */
export const elementsOf = (annotations: Annotations): ReadonlyArray<unknown> | undefined => {
  const text = annotations[dataKey] ?? ""
  if (text.trim() === "") return []
  return isTooDeep(text) ? undefined : Option.getOrUndefined(decodeArray(text))
}

export const elementOf = (annotations: Annotations, key: Key): unknown => elementsOf(annotations)?.find(isFor(key))

/** Returns whether an element belongs to this network. */
export const isOf = (element: unknown, network: string): boolean => isNamed(element) && element.name === network

/** A pod has one sandbox at a time: an element of this interface and another container is from an earlier one. */
const isEarlier =
  ({ containerId, ifName }: Key) =>
  (element: unknown): boolean =>
    isKey(element) && element.containerId !== containerId && element.ifName === ifName

/**
 * Adds the element, or replaces that of the same interface in place. Drops an element of an earlier sandbox, whose DEL
 * did not reach the API server. Replaces a value that is not an array.
 */
export const put = (annotations: Annotations, key: Key, element: unknown, mappedDir: string): Changes => {
  const others = (elementsOf(annotations) ?? []).filter((other) => !isEarlier(key)(other))
  const at = others.findIndex(isFor(key))
  const elements = at < 0 ? [...others, element] : others.with(at, element)
  // A directory that the pod's author set is kept.
  const keep = (annotations[mappedDirKey] ?? "") !== "" && !isPluginsOwn(annotations, mappedDir)
  return { [dataKey]: JSON.stringify(elements), ...(keep ? {} : { [mappedDirKey]: mappedDir }) }
}

/** Matches the directory as `put` writes it, and as the original plugin did, without the slash. */
export const isPluginsOwn = ({ [mappedDirKey]: there }: Annotations, mappedDir: string): boolean =>
  there === mappedDir || `${there}/` === mappedDir

/** Removes the element, and both annotations if it was the last and the directory is the plugin's own. */
export const remove = (annotations: Annotations, key: Key, mappedDir: string): Changes => {
  const elements = elementsOf(annotations)
  const others = elements?.filter((element) => !isFor(key)(element))
  if (elements === undefined || others === undefined || others.length === elements.length) return {}
  if (others.length > 0) return { [dataKey]: JSON.stringify(others) }
  return { [dataKey]: undefined, ...(isPluginsOwn(annotations, mappedDir) ? { [mappedDirKey]: undefined } : {}) }
}
