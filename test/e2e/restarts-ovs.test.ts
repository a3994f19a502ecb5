/**
 * Open vSwitch restarted under its ports, or its database emptied: the effect on CHECK, DEL and `userspace restore`.
 * The executable on real daemons.
 */
import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs"
import { isDeepStrictEqual } from "node:util"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { lastSeen, until } from "../support/Until.ts"
import { CniNode, type Sandbox, socketOf } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import { errorOf, well } from "./support/Plugin.ts"
import { run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import * as World from "./support/World.ts"

/** `userspace restore` of this node. */
const restore = (...args: ReadonlyArray<string>) =>
  Effect.flatMap(CniNode, ({ stateDir }) =>
    run(executable, ["restore", "--state-dir", stateDir, ...args], { deadline: "90 seconds" })
  )

/** The JSON element of one attachment. */
const outcomeOf = (stdout: string): { readonly outcome: string; readonly made: ReadonlyArray<string> } =>
  JSON.parse(stdout).attachments[0]

const inMode = (network: CniNode["Service"]["network"], mode: "client" | "server") => ({
  ...network,
  host: { ...network.host, vhost: { mode } }
})

const added = Effect.fnUntraced(function* (sandbox: Sandbox, network: object) {
  const { call } = yield* CniNode
  const answer = yield* call("ADD", sandbox, network)
  well(answer)
  return { ...network, prevResult: answer.document }
})

const look = Effect.flatMap(CniNode, ({ watched }) => Effect.map(World.look(watched), World.withoutNumbers))

const returnsTo = Effect.fnUntraced(function* (before: Effect.Success<typeof look>) {
  const now = Effect.flatMap(CniNode, ({ watched }) => Effect.map(World.lookOnce(watched), World.withoutNumbers))
  assert.deepStrictEqual(yield* lastSeen(now, (world) => isDeepStrictEqual(world, before)), before)
})

/** In an orderly way, as its service does: the ports are removed and created again. */
const restarted = Effect.flatMap(CniNode, ({ ovs }) => Effect.andThen(ovs.stopVswitchd, ovs.startVswitchd))

const killed = Effect.flatMap(CniNode, ({ ovs }) => Effect.andThen(ovs.killVswitchd, ovs.startVswitchd))

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("restarts of Open vSwitch", (test) => {
  for (const [how, restart] of [
    ["stopped", restarted],
    ["killed", killed]
  ] as const) {
    test(`ovs-vswitchd ${how} and started: the port is back, restore finds nothing to do, DEL leaves nothing`, () =>
      Effect.gen(function* () {
        const { call, network, sandbox } = yield* CniNode
        const pod = yield* sandbox
        const before = yield* look
        const conf = yield* added(pod, network)
        yield* restart
        well(yield* call("CHECK", pod, conf))
        const said = yield* restore("--json")
        well(said)
        assert.strictEqual(outcomeOf(said.stdout).outcome, "there")
        well(yield* call("DEL", pod, network))
        yield* returnsTo(before)
      }))
  }

  test("ADD, restart of both daemons, DEL without a restore", () =>
    Effect.gen(function* () {
      const { call, network, ovs, sandbox } = yield* CniNode
      for (const mode of ["client", "server"] as const) {
        const pod = yield* sandbox
        const before = yield* look
        yield* added(pod, inMode(network, mode))
        yield* ovs.stopVswitchd
        yield* ovs.stopOvsdb
        yield* ovs.startOvsdb
        yield* ovs.startVswitchd
        well(yield* call("DEL", pod, inMode(network, mode)))
        yield* returnsTo(before)
      }
    }))

  test("in server mode restore publishes the new socket, with its mode; CHECK fails before, and succeeds after", () =>
    Effect.gen(function* () {
      const { call, network, ovs, portMarked, sandbox, sharedDir } = yield* CniNode
      const pod = yield* sandbox
      const before = yield* look
      const conf = yield* added(pod, inMode(network, "server"))
      const published = socketOf(sharedDir, pod)
      const own = `${ovs.runDir}/${yield* portMarked(pod.containerId)}`
      yield* restarted
      const error = yield* errorOf(yield* call("CHECK", pod, conf))
      assert.strictEqual(error.code, ErrorCodes.CheckFailed)
      assert.include(error.msg, "ovs-vswitchd was restarted")
      const said = yield* restore("--json")
      well(said)
      assert.deepStrictEqual(outcomeOf(said.stdout).made, [`socket ${published}`])
      assert.strictEqual(lstatSync(published).ino, lstatSync(own).ino)
      assert.strictEqual(lstatSync(published).mode & 0o777, 0o666)
      well(yield* call("CHECK", pod, conf))
      assert.strictEqual(outcomeOf((yield* restore("--json")).stdout).outcome, "there")
      well(yield* call("DEL", pod, inMode(network, "server")))
      yield* returnsTo(before)
    }))

  test("a socket on another file system than the switch's is bound again", () =>
    Effect.gen(function* () {
      const { call, directory, network, ovs, portMarked, privateMounts, sandbox, stateDir } = yield* CniNode
      const far = `${directory}/far`
      const within = yield* privateMounts(`mkdir -p ${far} && mount -t tmpfs far ${far}`)
      const pod = yield* sandbox
      const before = yield* look
      const conf = { ...inMode(network, "server"), sharedDir: far }
      well(yield* call("ADD", pod, conf, { within }))
      const own = `${ovs.runDir}/${yield* portMarked(pod.containerId)}`
      yield* restarted
      const nsenter = (...words: ReadonlyArray<string>) => run("nsenter", [`--mount=/proc/${within}/ns/mnt`, ...words])
      const said = yield* nsenter(executable, "restore", "--state-dir", stateDir)
      well(said)
      assert.include(said.stdout, `restored: socket ${socketOf(far, pod)}`)
      const inode = yield* nsenter("stat", "-c", "%i", socketOf(far, pod))
      assert.strictEqual(Number(inode.stdout), lstatSync(own).ino)
      well(yield* call("DEL", pod, conf, { within }))
      yield* returnsTo(before)
    }))

  test("a port whose bridge somebody deleted is restored, with its bridge and all its columns", () =>
    Effect.gen(function* () {
      const { call, network, sandbox, vsctl } = yield* CniNode
      const name = network.host.bridge.bridgeName
      for (const mode of ["client", "server"] as const) {
        const pod = yield* sandbox
        const before = yield* look
        const wide = inMode(network, mode)
        const conf = yield* added(pod, { ...wide, host: { ...wide.host, bridge: { bridgeName: name, vlanId: 9 } } })
        const columns = ["--columns=tag,external_ids", "-f", "json", "find", "Port", "tag=9"]
        const attached = yield* vsctl(...columns)
        yield* vsctl("del-br", name)
        const error = yield* errorOf(yield* call("CHECK", pod, conf))
        assert.strictEqual(error.code, ErrorCodes.CheckFailed)
        assert.include(error.msg, "is missing")
        const said = yield* restore("--json")
        well(said)
        assert.strictEqual(outcomeOf(said.stdout).outcome, "restored")
        assert.strictEqual(yield* vsctl(...columns), attached)
        well(yield* call("CHECK", pod, conf))
        well(yield* call("DEL", pod, wide))
        yield* returnsTo(before)
      }
    }))

  test("a port on a closed bridge gets its flow again; a dry run plans it and adds none", () =>
    Effect.gen(function* () {
      const { call, network, ovs, sandbox, vsctl } = yield* CniNode
      yield* Effect.acquireRelease(
        vsctl("add-br", "closed", "--", "set", "Bridge", "closed", "datapath_type=netdev", "fail_mode=secure"),
        () => Effect.ignore(vsctl("del-br", "closed"))
      )
      const pod = yield* sandbox
      const before = yield* look
      const conf = yield* added(pod, { ...network, host: { ...network.host, bridge: { bridgeName: "closed" } } })
      yield* restarted
      const flows = Effect.map(
        ovs.ofctl("--no-stats", "dump-flows", `unix:${ovs.runDir}/closed.mgmt`),
        (text) => [...text.matchAll(/actions=NORMAL/g)].length
      )
      const planned = yield* restore("--dry-run")
      well(planned)
      assert.match(planned.stdout, /ovs-ofctl -O OpenFlow13 add-flow closed [\\\s]+cookie=/)
      assert.strictEqual(yield* flows, 0)
      const said = yield* restore("--json")
      well(said)
      assert.match(outcomeOf(said.stdout).made.join(), /^flow of port usp/)
      assert.strictEqual(yield* flows, 1)
      well(yield* call("CHECK", pod, conf))
      well(yield* call("DEL", pod, conf))
      yield* returnsTo(before)
    }))

  test("restore reports a dead ovs-vswitchd, and with a deadline waits until it is back", () =>
    Effect.gen(function* () {
      const { call, network, ovs, sandbox } = yield* CniNode
      const pod = yield* sandbox
      const before = yield* look
      yield* added(pod, network)
      yield* ovs.killVswitchd
      const refused = yield* restore("--timeout", "0")
      assert.strictEqual(refused.status, 1)
      assert.include(refused.stderr, "ovs-vswitchd does not answer")
      const [waiting] = yield* Effect.all([restore("--timeout", "60s"), ovs.startVswitchd], {
        concurrency: "unbounded"
      })
      well(waiting)
      well(yield* call("DEL", pod, network))
      yield* returnsTo(before)
    }))

  // The database is on disk, sockets and sandboxes are not.
  test("after a reboot, with the record there and the run directories empty, restore skips it and DEL leaves nothing", () =>
    Effect.gen(function* () {
      const { call, network, ovs, sandbox, sharedDir, vsctl } = yield* CniNode
      for (const mode of ["client", "server"] as const) {
        const before = yield* look
        const pod = yield* Effect.scoped(Effect.tap(sandbox, (alive) => added(alive, inMode(network, mode))))
        yield* ovs.stopVswitchd
        yield* ovs.stopOvsdb
        rmSync(`${sharedDir}/${pod.containerId.slice(0, 12)}`, { recursive: true })
        for (const name of readdirSync(ovs.runDir)) rmSync(`${ovs.runDir}/${name}`, { recursive: true })
        yield* ovs.startOvsdb
        yield* ovs.startVswitchd
        const said = yield* restore()
        well(said)
        assert.include(said.stdout, `skipped: its sandbox ${pod.netns} is gone`)
        assert.include(yield* vsctl("list-ports", network.host.bridge.bridgeName), "usp")
        well(yield* call("DEL", { ...pod, netns: "" }, inMode(network, mode)))
        yield* returnsTo(before)
        yield* until(
          "the end of the switch's sockets",
          Effect.sync(() => readdirSync(ovs.runDir)),
          (names) => !names.some((name) => name.startsWith("usp"))
        )
        assert.isFalse(existsSync(socketOf(sharedDir, pod)))
      }
    }))
})
