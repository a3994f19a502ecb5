/**
 * The kinds of PATCH that the API server accepts for a pod: JSON merge patch (RFC 7396), JSON patch (RFC 6902) and
 * Kubernetes' strategic merge patch, as far as a pod's metadata and named lists need it.
 */
import { isDeepStrictEqual } from "node:util"
import { type Json, Refused } from "./PodStore.ts"

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isJson(patch)) return patch
  const merged: Record<string, unknown> = isJson(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

/** Lists of named elements (containers, volumes) are merged by name; others are replaced. */
export const strategicMergePatch = (target: unknown, patch: unknown): unknown => {
  if (Array.isArray(patch) && Array.isArray(target) && patch.every(isNamed) && target.every(isNamed)) {
    const others = patch.filter(({ name }) => !target.some((element) => element.name === name))
    const merged = target.map((element) =>
      strategicMergePatch(element, patch.find(({ name }) => name === element.name) ?? {})
    )
    return [...merged, ...others]
  }
  if (!isJson(patch)) return patch
  const merged: Record<string, unknown> = isJson(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = strategicMergePatch(merged[key], value)
  }
  return merged
}

const isNamed = (value: unknown): value is { readonly name: unknown } => isJson(value) && "name" in value

const unprocessable = (why: string) =>
  new Refused(422, "Invalid", `the server rejected our request due to an error in our request: ${why}`)

export const jsonPatch = (target: unknown, operations: unknown): unknown => {
  if (!Array.isArray(operations)) throw new Refused(400, "BadRequest", "a JSON patch is an array of operations")
  return operations.reduce<unknown>((document, operation: unknown) => {
    if (!isJson(operation)) throw new Refused(400, "BadRequest", "an operation is an object")
    const { from, op, path, value } = operation
    const keys = pointer(path)
    switch (op) {
      case "add":
        return change(document, keys, () => value)
      case "replace":
        find(document, keys)
        return change(document, keys, () => value)
      case "remove":
        find(document, keys)
        return change(document, keys, () => undefined)
      case "test":
        if (!isDeepStrictEqual(find(document, keys), value)) throw unprocessable(`testing path ${String(path)} failed`)
        return document
      case "copy":
        return change(document, keys, () => find(document, pointer(from)))
      case "move": {
        const moved = find(document, pointer(from))
        return change(
          change(document, pointer(from), () => undefined),
          keys,
          () => moved
        )
      }
      default:
        throw unprocessable(`unexpected kind: ${String(op)}`)
    }
  }, target)
}

/** RFC 6901. */
const pointer = (path: unknown): ReadonlyArray<string> =>
  String(path)
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"))

const find = (document: unknown, keys: ReadonlyArray<string>): unknown =>
  keys.reduce<unknown>((inner, key) => {
    const value: unknown = typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined
    if (value === undefined) throw unprocessable(`path /${keys.join("/")}: missing path`)
    return value
  }, document)

/** Undefined removes. */
const change = (document: unknown, [key, ...rest]: ReadonlyArray<string>, value: () => unknown): unknown => {
  if (key === undefined) return value()
  if (Array.isArray(document)) {
    const index = key === "-" ? document.length : Number(key)
    const inner = rest.length === 0 ? value() : change(document[index], rest, value)
    if (inner === undefined) return document.toSpliced(index, 1)
    return rest.length === 0 ? document.toSpliced(index, 0, inner) : document.with(index, inner)
  }
  if (!isJson(document)) throw unprocessable("missing path")
  const inner = rest.length === 0 ? value() : change(document[key], rest, value)
  const { [key]: _, ...others } = document
  return inner === undefined ? others : { ...document, [key]: inner }
}
