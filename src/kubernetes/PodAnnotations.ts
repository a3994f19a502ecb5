/**
 * The pod's annotations: `userspace/configuration-data`, a JSON array with one element for each interface, and
 * `userspace/mapped-dir`, the directory of the sockets in the container. Elements are found by `containerId` and
 * `ifName`; others are not changed. Names and forms are the original plugin's. Pure.
 */
import type { Identity } from "../identity/Attachment.ts"
import { dataKey, elementsIn, isOfEarlier, isOfInterface, mappedDirKey } from "../identity/ConfigurationData.ts"
import type { Annotations, Changes } from "./PodDocument.ts"

type Key = Pick<Identity, "containerId" | "ifName">

export const elementsOf = (annotations: Annotations) => elementsIn(annotations[dataKey] ?? "")

/**
 * Adds the element, or replaces that of the same interface in place. Drops an element of an earlier sandbox, whose DEL
 * did not reach the API server. Replaces a value that is not an array.
 */
export const put = (annotations: Annotations, key: Key, element: unknown, mappedDir: string): Changes => {
  const others = (elementsOf(annotations) ?? []).filter((other) => !isOfEarlier(other, key))
  const at = others.findIndex((other) => isOfInterface(other, key))
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
  const others = elements?.filter((element) => !isOfInterface(element, key))
  if (elements === undefined || others === undefined || others.length === elements.length) return {}
  if (others.length > 0) return { [dataKey]: JSON.stringify(others) }
  return { [dataKey]: undefined, ...(isPluginsOwn(annotations, mappedDir) ? { [mappedDirKey]: undefined } : {}) }
}
