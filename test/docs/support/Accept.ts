/** Asks the plugin what it makes of a network configuration, as a call of it would. */
import * as Result from "effect/Result"
import type { CniError } from "../../../src/cni/CniError.ts"
import { type Configuration, readConfiguration, readEnvelope } from "../../../src/cni/Configuration.ts"
import { readArgs } from "../../../src/cni/Environment.ts"

export const accept = (configuration: object): Result.Result<Configuration, CniError> =>
  Result.flatMap(readArgs(""), (args) =>
    Result.flatMap(readEnvelope(JSON.stringify(configuration)), (envelope) => readConfiguration(envelope, args, {}))
  )

/** What libcni hands to the plugins of a list: each its own part, with the list's name and version. */
export const calls = (configuration: Readonly<Record<string, unknown>>): ReadonlyArray<object> => {
  const { cniVersion, name, plugins } = configuration
  return Array.isArray(plugins) ? plugins.map((part: object) => ({ cniVersion, name, ...part })) : [configuration]
}
