/** Validates a network configuration as a call of the plugin would. */
import * as Result from "effect/Result"
import { type Configuration, readConfiguration, readEnvelope } from "../../../src/cni/network/Configuration.ts"
import { inWords } from "../../../src/cni/network/SchemaMismatch.ts"
import type { CniError } from "../../../src/cni/types/CniError.ts"
import { readArgs, type Variables } from "../../../src/cni/types/Environment.ts"

export const accept = (configuration: object, variables: Variables = {}): Result.Result<Configuration, CniError> =>
  Result.flatMap(readArgs(""), (args) =>
    Result.flatMap(readEnvelope(JSON.stringify(configuration)), (envelope) =>
      Result.mapError(readConfiguration(envelope, args, variables), inWords)
    )
  )

/**
 * What this plugin gets: of a list each of its parts, with the list's name and version, as from libcni; of Multus' own
 * file its delegates of this type.
 */
export const calls = (configuration: Readonly<Record<string, unknown>>): ReadonlyArray<object> => {
  const { cniVersion, delegates, name, plugins } = configuration
  if (Array.isArray(plugins)) return plugins.map((part: object) => ({ cniVersion, name, ...part }))
  return Array.isArray(delegates)
    ? delegates.filter((part: { readonly type?: unknown }) => part.type === "userspace")
    : [configuration]
}
