/**
 * The pod's annotations: `userspace/configuration-data`, a JSON array with one element for each interface, and
 * `userspace/mapped-dir`, the directory of the sockets in the container. Elements are found by `containerId` and
 * `ifName`; others are not changed. Names and forms are the original's. Pure.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isTooDeep } from "../cni/spec/JsonDepth.ts"
import type { Annotations, Changes } from "./PodDocument.ts"

export const dataKey = "userspace/configuration-data"
export const mappedDirKey = "userspace/mapped-dir"

/** Who an element is for. */
export interface Key {
  readonly containerId: string
  readonly ifName: string
}

const decodeArray = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.Unknown)))
const decodeKey = Schema.decodeUnknownOption(Schema.Struct({ containerId: Schema.String, ifName: Schema.String }))
const decodeName = Schema.decodeUnknownOption(Schema.Struct({ name: Schema.String }))

const isFor =
  ({ containerId, ifName }: Key) =>
  (element: unknown): boolean =>
    Option.exists(decodeKey(element), (key) => key.containerId === containerId && key.ifName === ifName)

/** Empty when there are none. Undefined: something that is no array, or cannot be written back. */
export const elementsOf = (annotations: Annotations): ReadonlyArray<unknown> | undefined => {
  const text = annotations[dataKey] ?? ""
  if (text.trim() === "") return []
  return isTooDeep(text) ? undefined : Option.getOrUndefined(decodeArray(text))
}

export const elementOf = (annotations: Annotations, key: Key): unknown => elementsOf(annotations)?.find(isFor(key))

/** Whether an element is about this network. */
export const isOf = (element: unknown, network: string): boolean =>
  Option.exists(decodeName(element), ({ name }) => name === network)

/** A pod has one sandbox at a time, so an element of this interface and another container is an earlier sandbox's. */
const isEarlier =
  ({ containerId, ifName }: Key) =>
  (element: unknown): boolean =>
    Option.exists(decodeKey(element), (key) => key.containerId !== containerId && key.ifName === ifName)

/**
 * With the element, in the place of one that was there for the same interface; an earlier sandbox's, whose DEL did not
 * reach the API server, goes. What is no array is replaced.
 */
export const put = (annotations: Annotations, key: Key, element: unknown, mappedDir: string): Changes => {
  const others = (elementsOf(annotations) ?? []).filter((other) => !isEarlier(key)(other))
  const at = others.findIndex(isFor(key))
  const elements = at < 0 ? [...others, element] : others.with(at, element)
  // A pod's author may know better which directory it is.
  const keep = (annotations[mappedDirKey] ?? "") !== "" && !isPluginsOwn(annotations, mappedDir)
  return { [dataKey]: JSON.stringify(elements), ...(keep ? {} : { [mappedDirKey]: mappedDir }) }
}

/** The directory as `put` writes it, or as the original did: without the slash. */
export const isPluginsOwn = ({ [mappedDirKey]: there }: Annotations, mappedDir: string): boolean =>
  there === mappedDir || `${there}/` === mappedDir

/** Without the element; without both annotations when it was the last and the directory is the plugin's own. */
export const remove = (annotations: Annotations, key: Key, mappedDir: string): Changes => {
  const elements = elementsOf(annotations)
  const others = elements?.filter((element) => !isFor(key)(element))
  if (elements === undefined || others === undefined || others.length === elements.length) return {}
  if (others.length > 0) return { [dataKey]: JSON.stringify(others) }
  return { [dataKey]: undefined, ...(isPluginsOwn(annotations, mappedDir) ? { [mappedDirKey]: undefined } : {}) }
}
