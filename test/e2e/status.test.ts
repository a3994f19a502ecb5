/**
 * STATUS of the executable: with a real Open vSwitch that works, is without DPDK, frozen, stopped or killed; with a
 * state directory that is full or read-only; with a real IPAM plugin that is too old. In time, and without a change.
 */
import { chmodSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { CniNode, type More } from "./support/CniNode.ts"
import * as Plugin from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { isStill, look } from "./support/World.ts"

/** Each probe has 4 s; the rest is for a busy machine. */
const patience = 20

const nobody = { containerId: "", netns: "", ifName: "" }

const conf = Effect.map(CniNode, ({ network: { ipam: _, ...network } }) => ({ ...network, cniVersion: "1.1.0" }))

/** Within kubelet's five seconds. */
const asked = Effect.fnUntraced(function* (network?: object, more?: More) {
  const node = yield* CniNode
  const [duration, answer] = yield* Effect.timed(node.call("STATUS", nobody, network ?? (yield* conf), more))
  return { answer, seconds: Duration.toSeconds(duration) }
})

const refused = Effect.fnUntraced(function* (network?: object, more?: More) {
  const { answer } = yield* asked(network, more)
  return yield* Plugin.errorOf(answer)
})

const frozen = (pid: number) =>
  Effect.acquireRelease(
    Effect.sync(() => process.kill(pid, "SIGSTOP")),
    () => Effect.sync(() => process.kill(pid, "SIGCONT"))
  )

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("STATUS", (test) => {
  test("succeeds without output when ADD could be served, within the time of a call", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const before = yield* look(node.watched)
      const { answer } = yield* asked()
      assert.deepStrictEqual([answer.status, answer.stdout, answer.stderr], [0, "", ""])
      yield* isStill(node.watched, before)
      const error = yield* refused({ ...(yield* conf), cniVersion: "1.0.0" })
      assert.strictEqual(error.code, 1)
    }))

  test("reports an IPAM plugin that is too old for the network, and calls one that is not", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const network = { ...node.network, cniVersion: "1.1.0" }
      const error = yield* refused(network)
      assert.strictEqual(error.code, 50)
      assert.match(
        error.msg,
        /^IPAM plugin host-local STATUS: supports cniVersion 0\.1\.0, .*, but the network has 1\.1\.0$/
      )
      // And so it is.
      const added = yield* Plugin.errorOf(yield* node.call("ADD", yield* node.sandbox, network))
      assert.include(added.msg, "host-local ADD: code 1")
      for (const [name, script, code] of [
        ["well", "exit 0", undefined],
        ["ill", `echo '{"code":50,"msg":"the pool is empty"}'; exit 1`, 50],
        ["dire", `echo '{"code":51,"msg":"the pool is gone"}'; exit 1`, 51],
        ["slow", "exec sleep 60", 50]
      ] as const) {
        writeFileSync(`${node.plugins}/${name}`, `#!/bin/sh\n${script}\n`)
        chmodSync(`${node.plugins}/${name}`, 0o755)
        const { answer, seconds } = yield* asked({ ...network, ipam: { type: name } })
        assert.isBelow(seconds, patience)
        if (code === undefined) assert.deepStrictEqual([answer.status, answer.stdout], [0, ""])
        else assert.strictEqual((yield* Plugin.errorOf(answer)).code, code)
      }
      assert.deepStrictEqual((yield* look(node.watched)).processes, [])
    }))

  test("reports which daemon of the switch is away, with code 51, in time", () =>
    Effect.gen(function* () {
      const { ovs } = yield* CniNode
      const inTime = (said: RegExp) =>
        Effect.gen(function* () {
          const { answer, seconds } = yield* asked()
          const error = yield* Plugin.errorOf(answer)
          assert.strictEqual(error.code, 51)
          assert.match(error.msg, said)
          assert.isBelow(seconds, patience)
        })
      yield* Effect.scoped(
        Effect.andThen(Effect.flatMap(ovs.ovsdbPid, frozen), inTime(/db\.sock: no answer within 4 s|no answer/))
      )
      yield* Effect.scoped(
        Effect.andThen(
          Effect.flatMap(ovs.vswitchdPid, frozen),
          inTime(/ovs-vswitchd does not answer|no answer within 4 s/)
        )
      )
      yield* ovs.killVswitchd
      yield* inTime(/ovs-vswitchd does not answer on/)
      yield* ovs.startVswitchd
      yield* ovs.stopOvsdb
      yield* inTime(/Open vSwitch: status: .*(ENOENT|ECONNREFUSED)/)
      yield* ovs.startOvsdb
      assert.strictEqual((yield* asked()).answer.status, 0)
    }))

  const mounts = {
    "is read-only": { options: "-o ro", fill: "", code: "EROFS" },
    "is full": { options: "-o size=16k", fill: "&& (head -c 1M /dev/zero > STATE/full || true)", code: "ENOSPC" },
    "has no inodes left": { options: "-o nr_inodes=2", fill: "&& (touch STATE/a STATE/b || true)", code: "ENOSPC" }
  }

  for (const [name, { code, fill, options }] of Object.entries(mounts)) {
    test(`reports that the state directory ${name}, as ADD would`, () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const script = `mount -t tmpfs ${options} e2e ${node.stateDir} ${fill.replaceAll("STATE", node.stateDir)}`
        const within = yield* node.privateMounts(script)
        const error = yield* refused(undefined, { within })
        assert.deepStrictEqual([error.code, error.msg], [50, `write to ${node.stateDir}: ${code}`])
        const added = yield* Plugin.errorOf(yield* node.call("ADD", yield* node.sandbox, yield* conf, { within }))
        assert.include(added.msg, code)
      }))
  }
})

onMachine(["root", "executable", "ovs"], CniNode.layerWith({ dpdk: false }))("STATUS without DPDK", (test) => {
  test("reports that it is missing, with code 51", () =>
    Effect.gen(function* () {
      const error = yield* refused()
      assert.strictEqual(error.code, 51)
      assert.include(error.msg, "DPDK is not initialized in ovs-vswitchd")
    }))
})
