/**
 * Pods that intel/userspace-cni-network-plugin attached to VPP, deleted by our executable after the upgrade: interfaces
 * without a tag on socket ids that count from 1, and `{"swIfIndex", "memifSocketId"}` in the state file. The original
 * plugin's state is created with its calls (its last commit, cnivpp/), on real VPPs, or the one in TypeScript.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import { adminUp, setFlags } from "../../src/vpp/messages/Interface.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { withSession } from "../suites/VppUnderTest.ts"
import type { Sandbox } from "./support/CniNode.ts"
import { well } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { everyVpp, type OnVpp, VppCniNode } from "./support/VppCniNode.ts"

const handleOf = ({ containerId, ifName }: Sandbox): string => `${containerId.slice(0, 12)}-${ifName}`

/** AddOnHost; returns the index. `write`: its state file, possibly with another index. */
const attached = Effect.fnUntraced(function* (
  pod: Sandbox,
  directory: string,
  socketId: number,
  {
    bridgeDomain,
    remembered,
    socketfile
  }: {
    readonly bridgeDomain?: number
    readonly remembered?: number
    readonly socketfile?: string
  } = {}
) {
  const node = yield* VppCniNode
  const path = `${directory}/${socketfile ?? `memif-${handleOf(pod)}.sock`}`
  const index = yield* withSession(
    Effect.fnUntraced(function* (session) {
      yield* session.call(Ports.socketFilenameAddDel, { is_add: true, socket_id: socketId, socket_filename: path })
      const { sw_if_index } = yield* session.call(Ports.createMemif, {
        role: "master",
        mode: "ethernet",
        rx_queues: 1,
        tx_queues: 1,
        id: 0,
        socket_id: socketId,
        ring_size: 1024,
        buffer_size: 2048,
        no_zero_copy: false,
        hw_addr: "00:00:00:00:00:00",
        secret: ""
      })
      yield* session.call(setFlags, { sw_if_index, flags: adminUp })
      if (bridgeDomain !== undefined) {
        // Creates the bridge domain.
        yield* session.call(BridgeDomain.setBridge, {
          rx_sw_if_index: sw_if_index,
          bd_id: bridgeDomain,
          port_type: 0,
          shg: 0,
          enable: true
        })
      }
      return sw_if_index
    })
  )
  const data = `${node.directory}/state/data`
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const state = { swIfIndex: remembered ?? index, memifSocketId: socketId }
  writeFileSync(`${data}/local-${handleOf(pod)}.json`, JSON.stringify(state), { mode: 0o644 })
  return index
})

const cleans = (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  const cases: ReadonlyArray<
    readonly [string, Readonly<Record<string, unknown>>, number | undefined, string | undefined]
  > = [
    ["in a bridge domain, which stays", { netType: "bridge", bridge: { bridgeName: "71" } }, 71, undefined],
    ["in a bridge domain by bridgeId", { netType: "bridge", bridge: { bridgeId: 72 } }, 72, undefined],
    [
      "alone, with a socketfile",
      { netType: "interface", memif: { role: "master", socketfile: "my.sock" } },
      undefined,
      "my.sock"
    ]
  ]
  for (const [name, host, bridgeDomain, socketfile] of cases) {
    test(`a memif ${name}: one DEL leaves nothing, and another succeeds`, () =>
      Effect.gen(function* () {
        const { call, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
        const pod = yield* sandbox
        if (bridgeDomain !== undefined) {
          yield* withSession((session) =>
            session.call(BridgeDomain.addDel, {
              ...{ bd_id: bridgeDomain, flood: true, uu_flood: true, forward: true, learn: true, arp_term: false },
              ...{ arp_ufwd: false, mac_age: 0, bd_tag: "", is_add: true }
            })
          )
        }
        const before = yield* look
        const shared = `${directory}/shared/${pod.containerId.slice(0, 12)}`
        mkdirSync(shared, { mode: 0o700 })
        yield* attached(pod, shared, 1, {
          ...(bridgeDomain === undefined ? {} : { bridgeDomain }),
          ...(socketfile === undefined ? {} : { socketfile })
        })
        assert.notDeepEqual((yield* look).vpp, before.vpp)
        const conf = network(host, { cniVersion: "0.4.0" })
        well(yield* call("DEL", { ...pod, netns: "" }, conf))
        yield* returnsTo(before)
        well(yield* call("DEL", { ...pod, netns: "" }, conf))
        yield* returnsTo(before)
      }))
  }

  test("an index that now belongs to somebody else, as after a restart of VPP, is ignored", () =>
    Effect.gen(function* () {
      const { call, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
      const [pod, other] = [yield* sandbox, yield* sandbox]
      const shared = (of: Sandbox) => `${directory}/shared/${of.containerId.slice(0, 12)}`
      mkdirSync(shared(other), { mode: 0o700 })
      const index = yield* attached(other, shared(other), 1)
      const before = yield* look
      mkdirSync(shared(pod), { mode: 0o700 })
      yield* attached(pod, shared(pod), 2, { remembered: index })
      well(yield* call("DEL", pod, network({ netType: "interface" })))
      yield* returnsTo(before)
      well(yield* call("DEL", other, network({ netType: "interface" })))
    }))

  test("in a pod's volume, which no configuration names, is found by the index and the socket's name", () =>
    Effect.gen(function* () {
      const { call, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
      const pod = yield* sandbox
      const volume = `${directory}/volume`
      mkdirSync(volume, { recursive: true })
      const before = yield* look
      yield* attached(pod, volume, 1)
      well(yield* call("DEL", pod, network({ netType: "interface" })))
      yield* returnsTo(before)
    }))
}

for (const [name, needs, layer] of everyVpp) {
  onMachine(["root", "executable", "hostLocal", ...needs], layer)(`the original plugin's ports, on ${name}`, cleans)
}
