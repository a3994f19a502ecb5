/**
 * The configuration data of an interface, which ADD leaves for the container: one element in a file beside the socket, and
 * one of the array in an annotation of the pod. Names and forms are the original plugin's. Here is what an element says
 * of whose it is, for all who look for one; `container/read` reads the rest for the application. A container can write
 * there as well. Pure.
 */
import * as Predicate from "effect/Predicate"
import { isTooDeep } from "../cni/network/Validators.ts"
import { listOf, objectOf, parsed } from "../platform/text/Json.ts"
import type { Identity } from "./Attachment.ts"

/** The annotation with the elements of all interfaces. */
export const dataKey = "userspace/configuration-data"
/** The annotation with the directory of the sockets in the container. */
export const mappedDirKey = "userspace/mapped-dir"

export interface ConfigurationData {
  readonly containerId: string
  readonly ifName: string
  readonly name: string
  readonly config: Readonly<{ [key: string]: unknown }>
  readonly ipResult: Readonly<{ [key: string]: unknown }>
}

type Interface = Pick<Identity, "containerId" | "ifName">

/** `network`: undefined when the element has none. */
const ownerOf = (element: unknown): (Interface & { readonly network: string | undefined }) | undefined => {
  const { containerId, ifName, name } = objectOf(element)
  if (!Predicate.isString(containerId) || !Predicate.isString(ifName)) return undefined
  return { containerId, ifName, network: Predicate.isString(name) ? name : undefined }
}

export const isOfInterface = (element: unknown, { containerId, ifName }: Interface): boolean => {
  const owner = ownerOf(element)
  return owner?.containerId === containerId && owner.ifName === ifName
}

export const isOfAttachment = (element: unknown, attachment: Identity): boolean =>
  isOfInterface(element, attachment) && ownerOf(element)?.network === attachment.network

/** A pod has one sandbox at a time: an element of this interface and another container is from an earlier one. */
export const isOfEarlier = (element: unknown, { containerId, ifName }: Interface): boolean => {
  const owner = ownerOf(element)
  return owner?.ifName === ifName && owner.containerId !== containerId
}

/** The elements in an annotation; undefined if it has no array, or one that cannot be written back unchanged. */
export const elementsIn = (text: string): ReadonlyArray<unknown> | undefined => {
  if (text.trim() === "") return []
  const value = isTooDeep(text) ? undefined : parsed(text)
  return Array.isArray(value) ? listOf(value) : undefined
}

export const fileText = (data: ConfigurationData): string => `${JSON.stringify(data)}\n`

/** The identity in a file. */
export const whoseText = (text: string): Identity | undefined => {
  const owner = ownerOf(parsed(text))
  return owner?.network === undefined ? undefined : { ...owner, network: owner.network }
}

export const isFor = (text: string, attachment: Identity): boolean => isOfAttachment(parsed(text), attachment)

/** The network namespace that a file names for the interface, as ADD or a container wrote it. */
export const sandboxTold = (text: string, ifName: string): string | undefined => {
  const { interfaces } = objectOf(objectOf(parsed(text))["ipResult"])
  for (const one of listOf(interfaces)) {
    const { name, sandbox } = objectOf(one)
    if (name === ifName && Predicate.isString(sandbox) && sandbox.startsWith("/")) return sandbox
  }
  return undefined
}
