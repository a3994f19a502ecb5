/** Calls on a node in memory: real ones and dry runs. */

import { Effect, Logger } from "effect"
import { serve } from "../../../src/app/CniCall.ts"
import { readRequest } from "../../../src/cni/Request.ts"
import { dryRun } from "../../../src/dry-run/DryRun.ts"
import type { Plan } from "../../../src/dry-run/plan/Plan.ts"
import { type Node, netns } from "./MemoryNode.ts"

export type Conf = Readonly<Record<string, unknown>>

export const network = {
  cniVersion: "1.1.0",
  name: "net-a",
  type: "userspace",
  sharedDir: "/run/userspace",
  host: {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: "bridge",
    vhost: { mode: "client" },
    bridge: { bridgeName: "br-a" }
  },
  ipam: { type: "host-local", subnet: "10.9.8.0/24" }
} as const

export const withHost = (host: Conf, more: Conf = {}): Conf => ({
  ...network,
  ...more,
  host: { ...network.host, ...host }
})

export type Verb = "ADD" | "DEL" | "CHECK"

export const variables = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: netns,
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin"
}

export const real = (node: Node, verb: Verb, conf: Conf = network, more: Readonly<Record<string, string>> = {}) =>
  serve(readRequest({ ...variables, ...more, CNI_COMMAND: verb }, JSON.stringify(conf))).pipe(
    Effect.provide(node.edges),
    Effect.provide(Logger.layer([]))
  )

export const dry = (node: Node, verb: Verb, conf: Conf = network, more: Readonly<Record<string, string>> = {}) =>
  Effect.provide(
    dryRun({ verb, variables: { ...variables, ...more }, text: JSON.stringify(conf), assumeSandbox: false }),
    node.edges
  )

/** The changes of each step, by its name. */
export const step = ({ steps }: Plan, name: string) => steps.find(({ step }) => step === name)
