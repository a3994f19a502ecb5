/**
 * The `vppctl` lines of a dry run do on a real VPP what the call does, and the rollback's lines remove it; `vpp-compat`
 * on it.
 */
import * as fs from "node:fs"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { vppctlLines } from "../../src/cli/print/PlanText.ts"
import type { Change, Plan } from "../../src/dry-run/plan/Plan.ts"
import { compatibility } from "../../src/vpp/Compatibility.ts"
import { successors } from "../../src/vpp/client/RequiredMessages.ts"
import * as Interfaces from "../../src/vpp/interfaces/Interfaces.ts"
import { bridgeDomainDump } from "../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../src/vpp/messages/Control.ts"
import { memifDump, vhostUserDump } from "../../src/vpp/messages/Ports.ts"
import type { Conf } from "../dry-run/support/Calls.ts"
import { callsOn, hosts } from "../dry-run/support/VppNode.ts"
import { look as names, VppUnderTest, withSession } from "../suites/VppUnderTest.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { onMachine } from "./support/Suite.ts"
import { instance, type VppInstance } from "./support/VppInstance.ts"

class Vpp extends Context.Service<Vpp, VppInstance>()("userspace-cni/test/Vpp") {}

const running = (prefix: string) => {
  const vpp = Layer.effect(Vpp, instance(prefix))
  const underTest = Layer.effect(
    VppUnderTest,
    Effect.map(Vpp, ({ api }) => ({ path: api, release: basename(prefix), restart: Effect.void }))
  )
  return Layer.provideMerge(underTest, vpp)
}

/** VPP's state of interfaces and bridge domains, except for what differs every time. */
const look = Effect.gen(function* () {
  const rows = yield* withSession(
    Effect.fnUntraced(function* (session) {
      const interfaces = yield* Interfaces.all(session)
      return {
        interfaces: interfaces.map(({ l2_address, sw_if_index: _, sup_sw_if_index: __, ...row }) => ({
          ...row,
          mac: l2_address === "02:aa:00:00:00:01"
        })),
        memifs: (yield* session.dump(memifDump, {})).map(({ hw_addr: _, sw_if_index: __, ...row }) => row),
        vhosts: (yield* session.dump(vhostUserDump, { sw_if_index: every })).map(({ sw_if_index: _, ...row }) => row),
        domains: (yield* session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every })).map(
          ({ sw_if_details: _, ...row }) => row
        )
      }
    })
  )
  const all = { names: yield* names, ...rows }
  return JSON.parse(JSON.stringify(all).replaceAll(/(userspace\/1\/\w{20})\/[0-9a-f]{8}\//g, "$1/UUID/"))
})

const lines = (changes: ReadonlyArray<Change>) =>
  changes
    .flatMap((change) => (change.kind === "vpp" ? [change] : []))
    .reduce<ReadonlyArray<string>>((before, change) => before.concat(vppctlLines(change)), [])

const made = ({ steps }: Plan) => lines(steps.flatMap(({ changes }) => changes))
const undone = ({ steps }: Plan) => lines(steps.toReversed().flatMap(({ undo }) => undo))

const bandwidth = { egressRate: 20_000_000, egressBurst: 4_000_000, ingressRate: 10_000_000 }
const limits = { capabilities: { bandwidth: true }, runtimeConfig: { bandwidth } }

const cases: ReadonlyArray<readonly [string, Conf, Conf]> = [
  ...hosts.map(([name, host]) => [name, host, {}] as const),
  ["memif with limits, as far as offered", { netType: "none", memif: { role: "master" } }, limits]
]

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  onMachine(["root", "vpp"], running(prefix))(`vppctl on a real VPP ${basename(prefix)}`, (test) => {
    test("supports everything, by vpp-compat", () =>
      Effect.gen(function* () {
        const { messages, version, works } = yield* withSession(compatibility)
        assert.match(version ?? "", /^2\d\.\d\d/)
        assert.deepStrictEqual(
          works.filter(({ missing, optional }) => missing !== null && !optional),
          []
        )
        // Of each two, one is used.
        const used = messages.filter(({ use }) => use?.endsWith(": used"))
        assert.strictEqual(used.length, successors.length * 2)
        assert.isTrue(used.every(({ verdict }) => verdict === "ok"))
      }))

    for (const [name, host, more] of cases) {
      test(name, () =>
        Effect.gen(function* () {
          const vpp = yield* Vpp
          const directory = fs.mkdtempSync(`${vpp.directory}/n`)
          const { dry, real } = callsOn(directory, vpp.api)
          const type = (all: ReadonlyArray<string>) =>
            Effect.forEach(all, (line) => {
              const [, ...words] = line.replace("(secret)", "hush").split(" ")
              return Effect.map(vpp.ctl(...words), (text) => assert.notMatch(text, /error|unknown|invalid|fail/i, line))
            })
          const before = yield* look
          const plan = yield* dry("ADD", host, more)
          assert.deepStrictEqual(yield* look, before)

          fs.mkdirSync(`${directory}/shared/c1`, { recursive: true })
          yield* type(made(plan))
          const typed = yield* look
          assert.notDeepEqual(typed, before)
          yield* type(undone(plan))
          assert.deepStrictEqual(yield* look, before)

          fs.rmSync(`${directory}/shared`, { recursive: true })
          yield* real("ADD", host, more)
          const called = yield* look
          yield* real("DEL", host, more)
          assert.deepStrictEqual(typed, called)
          assert.deepStrictEqual(yield* look, before)
        })
      )
    }
  })
}
