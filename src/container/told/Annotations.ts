/**
 * Parses the downward API's annotations file, and selects the three annotations for this library. Pure;
 * `ConfigurationData.ts` and `NetworkStatus.ts` interpret the values.
 */
import * as Result from "effect/Result"
import { unquote } from "./GoString.ts"

export const configurationDataKey = "userspace/configuration-data"
export const mappedDirKey = "userspace/mapped-dir"
/** Multus' key, and that of its older releases. */
export const networkStatusKeys = ["k8s.v1.cni.cncf.io/network-status", "k8s.v1.cni.cncf.io/networks-status"] as const

export interface Annotations {
  readonly get: (key: string) => string | undefined
  readonly problems: ReadonlyArray<string>
}

export const parseAnnotations = (text: string): Annotations => {
  const values = new Map<string, string>()
  const problems: Array<string> = []
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue
    const equals = line.indexOf("=")
    const value = equals < 1 ? Result.fail('is not key="value"') : unquote(line.slice(equals + 1).replace(/\r$/, ""))
    if (Result.isSuccess(value)) values.set(line.slice(0, equals), value.success)
    else problems.push(`line ${index + 1} ${value.failure}`)
  }
  return { get: (key) => values.get(key), problems }
}
