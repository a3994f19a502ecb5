/** Configurations as tests write them, and what is read from them. */
import { Result } from "effect"
import { type Configuration, readConfiguration, readEnvelope } from "../../../src/cni/network/Configuration.ts"
import type { HostPort, OvsVhostPort, VppMemifPort } from "../../../src/cni/network/HostPort.ts"
import { inWords } from "../../../src/cni/network/SchemaMismatch.ts"
import type { CniError } from "../../../src/cni/types/CniError.ts"
import { readArgs, type Variables } from "../../../src/cni/types/Environment.ts"

/** The minimal configuration of each port. */
export const ovs = { engine: "ovs-dpdk", iftype: "vhostuser" } as const
export const vpp = { engine: "vpp", iftype: "vhostuser" } as const
export const memif = { engine: "vpp", iftype: "memif", memif: { role: "master" } } as const

interface Around {
  readonly args?: string
  readonly variables?: Variables
}

export const reading = (conf: unknown, { args = "", variables = {} }: Around = {}) =>
  Result.flatMap(readArgs(args), (args) =>
    Result.flatMap(readEnvelope(typeof conf === "string" ? conf : JSON.stringify(conf)), (envelope) =>
      Result.map(Result.mapError(readConfiguration(envelope, args, variables), inWords), (configuration) => ({
        ...configuration,
        name: envelope.name
      }))
    )
  )

export const readingOf = (conf: unknown, around?: Around): Configuration & { readonly name: string } =>
  Result.getOrThrow(reading(conf, around))

export const failureOf = (conf: unknown, around?: Around): CniError =>
  Result.getOrThrow(Result.flip(reading(conf, around)))

/** The port of a configuration that consists of `host`, and `more`. */
export const portOf = (host: unknown, more: object = {}, around?: Around): HostPort =>
  readingOf({ name: "net", host, ...more }, around).port

/** What is wrong with a configuration that consists of `host`, and `more`. */
export const wrongWith = (host: unknown, more: object = {}, around?: Around): CniError =>
  failureOf({ name: "net", host, ...more }, around)

export const isOvs = (port: HostPort): port is OvsVhostPort => port.engine === "ovs-dpdk"
export const isMemif = (port: HostPort): port is VppMemifPort => port.iftype === "memif"
