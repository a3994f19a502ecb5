/**
 * The agent beside VPP, which loses all of its ports when it exits: they are restored without intervention. The
 * executable, on real VPPs, or the model. Observed times are printed.
 */
import { writeFileSync } from "node:fs"
import { basename, dirname } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { VppUnderTest } from "../suites/VppUnderTest.ts"
import { lastSeen, until } from "../support/Until.ts"
import { healing } from "./support/Healing.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { attachedPod, connected, pings } from "./support/PodVpp.ts"
import { cleanEnvironment, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { everyVpp, type OnVpp, onReal, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"
import { libraries } from "./support/VppInstance.ts"

const bridge = { netType: "bridge", bridge: { bridgeName: "44" } }

const node = Effect.map(VppCniNode, ({ directory }) => ({
  directory,
  stateDir: `${directory}/state`,
  plugins: `${directory}/bin`
}))

type Look = Effect.Success<VppCniNode["Service"]["look"]>

/** A VPP that ends right after an ADD makes the attachment a suspect, until its DEL. */
const withoutSuspects = ({ files, ...others }: Look) => ({
  ...others,
  files: files.filter(([path]) => !path.includes("/state/suspects"))
})

/** Compares all traces of an attachment; prints how long it took. */
const backTo = Effect.fnUntraced(function* (what: string, before: Look) {
  const { look } = yield* VppCniNode
  const since = performance.now()
  const wanted = withoutSuspects(before)
  const now = yield* lastSeen(Effect.map(look, withoutSuspects), (now) => isDeepStrictEqual(now, wanted))
  assert.deepStrictEqual(now, wanted)
  process.stderr.write(`${what}: back after ${Math.round(performance.now() - since)} ms\n`)
})

const heals = (release: string) => (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  for (const [name, host] of [
    ["memif in a bridge domain", bridge],
    ["memif with addresses", { netType: "interface" }],
    ["vhost-user", { ...bridge, iftype: "vhostuser", vhost: { mode: "server" } }]
  ] as const) {
    test(`${name}: killed and started twice, and the port is restored unchanged`, () =>
      Effect.gen(function* () {
        const { call, look, network, returnsTo, sandbox } = yield* VppCniNode
        const { restart } = yield* VppUnderTest
        const conf = network(host)
        const before = yield* look
        const pod = yield* sandbox
        well(yield* call("ADD", pod, conf))
        const attached = yield* look
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* healing(yield* node)
            for (const time of ["first", "second"]) {
              yield* restart
              yield* backTo(`${release}, ${name}, the ${time} time`, attached)
            }
          })
        )
        well(yield* call("DEL", pod, conf))
        yield* returnsTo(before)
      }))
  }

  test("while it is down nothing is lost; a DEL meanwhile stays deleted", () =>
    Effect.gen(function* () {
      const { call, look, network, returnsTo, sandbox } = yield* VppCniNode
      const { kill, start } = yield* VppDaemon
      const conf = network(bridge)
      const before = yield* look
      const stays = yield* sandbox
      well(yield* call("ADD", stays, conf))
      const one = yield* look
      const leaves = yield* sandbox
      well(yield* call("ADD", leaves, conf))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const agent = yield* healing(yield* node)
          yield* kill
          yield* call("DEL", leaves, conf)
          yield* start
          yield* agent.says(/recreated/)
          well(yield* call("DEL", leaves, conf))
          yield* backTo(`${release}, beside a DEL`, one)
        })
      )
      well(yield* call("DEL", stays, conf))
      yield* returnsTo(before)
    }))

  test("forty ports are restored", () =>
    Effect.gen(function* () {
      const { call, look, network, returnsTo, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network(bridge)
      const before = yield* look
      const pods = yield* Effect.all(Array.from({ length: 40 }, () => sandbox))
      yield* Effect.forEach(pods, (pod) => Effect.map(call("ADD", pod, conf), well), { concurrency: 4 })
      const attached = yield* look
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* healing(yield* node)
          yield* restart
          yield* backTo(`${release}, 40 attachments`, attached)
        })
      )
      yield* Effect.forEach(pods, (pod) => Effect.map(call("DEL", pod, conf), well), { concurrency: 4 })
      yield* returnsTo(before)
    }))
}

const packets = (prefix: string) => (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  test("running pods reconnect, and 5 of 5 pings pass", () =>
    Effect.gen(function* () {
      const { call, network, sandbox } = yield* VppCniNode
      const { restart } = yield* VppUnderTest
      const conf = network(bridge)
      const pods = [yield* sandbox, yield* sandbox] as const
      const [one, two] = yield* Effect.forEach(pods, (pod, n) =>
        attachedPod(prefix, pod, conf, `192.168.9.${n + 3}/24`)
      )
      if (one === undefined || two === undefined) return assert.fail()
      yield* healing(yield* node)
      assert.strictEqual(yield* pings(one, "192.168.9.4"), 5)
      yield* restart
      const since = performance.now()
      yield* connected(one)
      yield* connected(two)
      process.stderr.write(
        `${basename(prefix)}: memif connected ${Math.round(performance.now() - since)} ms after VPP answered\n`
      )
      assert.strictEqual(yield* pings(one, "192.168.9.4"), 5)
      for (const pod of pods) well(yield* call("DEL", pod, conf))
    }))
}

/** The commands of `unix { exec FILE }`, which VPP runs two seconds after it serves its API. */
const administrators = (prefix: string) => (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  test("an administrator's bridge domain stays theirs after a restart, and the port is in it", () =>
    Effect.gen(function* () {
      const { call, network, sandbox } = yield* VppCniNode
      const { path, restart } = yield* VppUnderTest
      const run = dirname(path)
      writeFileSync(`${dirname(run)}/exec`, "create bridge-domain 44 learn 0\n")
      const vppctl = (...words: ReadonlyArray<string>) =>
        succeed(`${prefix}/bin/vppctl`, ["-s", `${run}/cli.sock`, ...words], {
          env: { ...cleanEnvironment, LD_LIBRARY_PATH: libraries(prefix) }
        })
      const isTheirs = until("the administrator's bridge domain", vppctl("show", "bridge-domain", "44"), (text) =>
        /^ +44 +\d+ +\d+ +\S+ +off/m.test(text)
      )
      yield* restart
      yield* isTheirs
      const conf = network(bridge)
      const pod = yield* sandbox
      well(yield* call("ADD", pod, conf))
      const agent = yield* healing(yield* node)
      for (const times of [1, 2]) {
        yield* restart
        yield* until(`${times} times recreated`, agent.log, (text) => [...text.matchAll(/recreated/g)].length >= times)
        yield* isTheirs
        assert.match(yield* vppctl("show", "bridge-domain", "44", "detail"), /memif/)
      }
      well(yield* call("DEL", pod, conf))
      yield* isTheirs
    }))
}

for (const [name, needs, live] of everyVpp) {
  onMachine(["root", "executable", "hostLocal", ...needs], live)(`the agent beside ${name}`, heals(name))
}

const [newest = ""] = vppPrefixes
onMachine(["root", "executable", "hostLocal", "vpp"], onReal(newest))(
  `the agent beside a VPP that somebody has configured, ${basename(newest)}`,
  administrators(newest)
)
onMachine(["root", "executable", "hostLocal", "vpp"], onReal(newest))(
  `packets, with the agent, after a restart of VPP ${basename(newest)}`,
  packets(newest)
)
