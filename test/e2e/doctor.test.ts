/**
 * Each symptom of docs/troubleshooting.md on a real Open vSwitch, and the finding that `userspace doctor` prints for it; and
 * what it says of an attachment that works.
 */
import { chmodSync, linkSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { listening } from "../container/support/Pod.ts"
import { until } from "../support/Until.ts"
import { CniNode, newContainerId, type Sandbox, socketOf } from "./support/CniNode.ts"
import { doctor, inContainer, networkFile, symptom } from "./support/Doctor.ts"
import { executable } from "./support/Machine.ts"
import { resultOf } from "./support/Plugin.ts"
import { run, start, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

const onNode = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { plugins, stateDir } = yield* CniNode
  return yield* doctor("--state-dir", stateDir, "--cni-path", plugins, ...args)
})

/** Of a network whose ADD fails. */
const ofNetwork = Effect.fnUntraced(function* (network: object) {
  const { directory } = yield* CniNode
  return yield* onNode("--config", networkFile(directory, network))
})

const pod = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=u1"

const attached = Effect.fnUntraced(function* (more: object = {}, of?: Sandbox) {
  const node = yield* CniNode
  const sandbox = of ?? (yield* node.sandbox)
  const network = { ...node.network, host: { ...node.network.host, ...more } }
  const answer = yield* node.call("ADD", sandbox, network, { environment: { CNI_ARGS: pod } })
  yield* Effect.addFinalizer(() => Effect.ignore(node.call("DEL", sandbox, network)))
  return { node, sandbox, network, result: yield* resultOf(answer), socket: socketOf(node.sharedDir, sandbox) }
})

const placesOf = Effect.fnUntraced(function* ({ containerId }: Sandbox) {
  const { directory, sharedDir } = yield* CniNode
  const dir = `${sharedDir}/${containerId.slice(0, 12)}`
  return ["--annotations", `${directory}/absent`, "--dir", dir, "--container-id", containerId]
})

/** A namespace in which only processes of this user are. */
const sandboxOfUser = Effect.fnUntraced(function* (uid: number) {
  const ids = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"]
  const { pid } = yield* start("unshare", ["--net", "setpriv", ...ids, "sleep", "infinity"])
  yield* succeed("sh", ["-c", `until [ "$(cat /proc/${pid}/comm)" = sleep ]; do sleep 0.01; done`])
  const sandbox: Sandbox = { containerId: newContainerId(), netns: `/proc/${pid}/ns/net`, ifName: "net1" }
  return sandbox
})

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("doctor on Open vSwitch", (test) => {
  test("an application that has not come, and then has: features, queues and rings of the link", () =>
    Effect.gen(function* () {
      const { node, result, sandbox, socket } = yield* attached()
      const before = yield* onNode("--pod", "default/web-0")
      assert.include(before.ids, symptom("no application"))
      // The kernel of this machine tells its hugepages, and ovs-vswitchd its version.
      assert.deepStrictEqual([before.node.unseen, before.attachments[0]?.unseen], [[], []])
      assert.match(before.node.links.find(({ link }) => link.startsWith("Open vSwitch"))?.seen ?? "", /version \d+\.\d/)
      const mac = result.interfaces[0]?.mac ?? ""
      const end = { name: sandbox.containerId.slice(0, 8), socket, mode: "server" as const, mac }
      yield* start("dpdk-testpmd", Testpmd.receiverArguments(end), { log: `${node.directory}/logs/testpmd` })
      const after = yield* until(
        "an application that is connected",
        onNode("--pod", "default/web-0"),
        ({ ids }) => !ids.includes("application-not-connected")
      )
      const [chain] = after.attachments
      assert.deepStrictEqual(chain?.findings, [])
      const seen = new Map(chain?.links.map(({ link, seen }) => [link, seen]))
      assert.match(seen.get("features") ?? "", /^0x[0-9a-f]{16}$/)
      assert.strictEqual(seen.get("queues"), "1")
      assert.match(seen.get("rings") ?? "", /^\d+, \d+$/)
      assert.match(seen.get("MTU") ?? "", /^1500 on the switch/)
      assert.include(seen.get("port") ?? "", "on bridge br-e2e")
    }))

  test("who may not make the socket, and who may not connect to that of the switch", () =>
    Effect.gen(function* () {
      const own = yield* sandboxOfUser(1000)
      const { sandbox } = yield* attached({}, own)
      const places = yield* placesOf(sandbox)
      const mayNotMake = symptom("the application may not make it")
      assert.include((yield* inContainer(1000, ...places)).ids, mayNotMake)
      assert.include((yield* onNode()).ids, mayNotMake)
      assert.notInclude((yield* inContainer(0, ...places)).ids, mayNotMake)

      const other = yield* attached({ vhost: { mode: "server" } }, { ...own, containerId: newContainerId() })
      chmodSync(other.socket, 0o660)
      const mayNotConnect = symptom("the application may not connect")
      assert.include((yield* inContainer(1000, ...(yield* placesOf(other.sandbox)))).ids, mayNotConnect)
      assert.include((yield* onNode()).ids, mayNotConnect)
    }))

  test("a socket left over, one to which the switch does not come, and one that the switch has not made", () =>
    Effect.gen(function* () {
      const { node, sandbox, socket } = yield* attached()
      yield* listening(`${node.sharedDir}/a`)
      linkSync(`${node.sharedDir}/a`, socket)
      const places = yield* placesOf(sandbox)
      const stale = symptom("a socket left over")
      assert.include((yield* inContainer(0, ...places)).ids, stale)
      assert.include((yield* onNode()).ids, stale)
      rmSync(socket)

      // Nobody speaks vhost-user there: the switch comes and goes again.
      yield* listening(socket)
      utimesSync(socket, 0, 0)
      assert.include((yield* onNode()).ids, "switch-does-not-connect")

      const other = yield* attached({ vhost: { mode: "server" } })
      rmSync(other.socket)
      const missing = symptom("the switch has made none")
      assert.include((yield* inContainer(0, ...(yield* placesOf(other.sandbox)))).ids, missing)
      assert.include((yield* onNode()).ids, missing)
    }))

  test("a container that nothing tells", () =>
    Effect.gen(function* () {
      const { node, sandbox } = yield* attached()
      const places = ["--annotations", `${node.directory}/absent`, "--dir", `${node.directory}/empty`]
      const untold = symptom("nothing tells")
      assert.include((yield* inContainer(0, ...places)).ids, untold)
      const id = sandbox.containerId.slice(0, 12)
      rmSync(`${node.sharedDir}/${id}/configData-${id}-net1.json`)
      assert.include((yield* onNode()).ids, untold)
    }))

  test("networks whose ADD fails: bridge, IPAM plugin, range and key", () =>
    Effect.gen(function* () {
      const { network, vsctl } = yield* CniNode
      yield* vsctl("--no-wait", "add-br", "br-kernel", "--", "set", "Bridge", "br-kernel", "datapath_type=system")
      yield* Effect.addFinalizer(() => Effect.ignore(vsctl("--no-wait", "del-br", "br-kernel")))
      const of = (host: object, ipam: object = network.ipam) => ({
        ...network,
        host: { ...network.host, ...host },
        ipam
      })
      const bridge = yield* ofNetwork(of({ bridge: { bridgeName: "br-kernel" } }))
      assert.include(bridge.ids, symptom("a bridge of the kernel"))
      assert.include((yield* ofNetwork(of({}, { type: "none-such" }))).ids, symptom("no IPAM plugin"))
      assert.include((yield* ofNetwork(of({ bridgename2: "br0" }))).ids, symptom("an unknown key"))

      const small = { ...network, name: "small", ipam: { ...network.ipam, ranges: [[{ subnet: "10.56.220.0/30" }]] } }
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      yield* node.call("ADD", sandbox, small)
      assert.include((yield* ofNetwork(small)).ids, symptom("no address left"))
      yield* node.call("DEL", sandbox, small)
      writeFileSync(`${node.leases}/small/10.56.220.2`, "0958c8871b32\r\nnet1")
      assert.include((yield* ofNetwork(small)).ids, "lease-left-over")
      rmSync(`${node.leases}/small/10.56.220.2`)
    }))

  test("what somebody has changed, removed and left", () =>
    Effect.gen(function* () {
      const { node, sandbox } = yield* attached()
      const port = yield* node.portMarked(sandbox.containerId)
      yield* node.vsctl("set", "Port", port, "tag=7")
      assert.include((yield* onNode()).ids, "port-changed")
      yield* node.vsctl("set-fail-mode", "br-e2e", "secure")
      assert.include((yield* onNode()).ids, "bridge-drops-unknown")
      yield* node.vsctl("del-fail-mode", "br-e2e")
      yield* node.vsctl("add-port", "br-e2e", "uplink", "--", "set", "Interface", "uplink", "type=internal")
      assert.notInclude((yield* onNode()).ids, "bridge-without-uplink")
      yield* node.vsctl("del-port", "br-e2e", "uplink")
      assert.include((yield* onNode()).ids, "bridge-without-uplink")
      yield* node.vsctl("del-port", port)
      assert.include((yield* onNode()).ids, "port-missing")

      const gone = yield* Effect.scoped(
        Effect.gen(function* () {
          const own = yield* node.sandbox
          yield* resultOf(yield* node.call("ADD", own, node.network))
          return own
        })
      )
      yield* Effect.addFinalizer(() => Effect.ignore(node.call("DEL", gone, node.network)))
      assert.include((yield* onNode()).ids, "attachment-stale")
      rmSync(`${node.stateDir}/attachments/${gone.containerId.slice(0, 12)}-net1.json`)
      assert.include((yield* onNode()).ids, "port-without-record")
    }))

  test("list --watch: a document when a port comes and when it goes, and none between", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const log = `${node.directory}/logs/watch`
      yield* start(executable, ["list", "--watch", "--json", "--state-dir", node.stateDir], { log })
      const lines = Effect.sync(() => readFileSync(log, "utf8").trim().split("\n"))
      const last = (words: string, least: number) =>
        until(`${words} in the last line`, lines, (all) => all.length >= least && all.at(-1)?.includes(words) === true)
      const none = '"attachments":[]'
      yield* last(none, 1)
      yield* Effect.scoped(Effect.andThen(attached(), last('"state":"disconnected"', 2)))
      const all = yield* last(none, 3)
      assert.include(all.at(-1), none)
      assert.isTrue(all.every((line, index) => line !== all[index - 1]))
    }))

  test("daemons that are away", () =>
    Effect.gen(function* () {
      const { network, node, sandbox } = yield* attached()
      yield* node.ovs.killVswitchd
      const silent = yield* ofNetwork(network)
      assert.include(silent.ids, symptom("no ovs-vswitchd"))
      // As if its pidfile were elsewhere: the database alone does not say that it was killed.
      const { runDir } = node.ovs
      const files = [
        ["ovs-vswitchd.pid", "elsewhere.pid"],
        ["ovs-vswitchd.ctl", "ovs-vswitchd.1.ctl"]
      ] as const
      for (const [own, other] of files) renameSync(`${runDir}/${own}`, `${runDir}/${other}`)
      const unasked = yield* onNode()
      assert.include(unasked.ids, "ovs-vswitchd-not-asked")
      assert.deepStrictEqual(unasked.node.unseen, [])
      assert.isFalse(unasked.node.links.some(({ is, seen }) => is === "well" && seen.includes("DPDK initialized")))
      for (const [own, other] of files) renameSync(`${runDir}/${other}`, `${runDir}/${own}`)
      yield* node.ovs.killOvsdb
      const away = yield* ofNetwork(network)
      assert.include(away.ids, symptom("no ovsdb-server"))
      const text = yield* run(executable, ["doctor", "--state-dir", node.stateDir, "--cni-path", node.plugins])
      assert.notInclude(text.stdout, "without findings")
      const { status } = yield* node.call("DEL", sandbox, network)
      assert.strictEqual(status, 1)
      assert.include((yield* onNode()).ids, symptom("DEL without a switch"))
      yield* node.ovs.startMissing
    }))
})

onMachine(["root", "executable", "ovs"], CniNode.layerWith({ dpdk: false }))("doctor without DPDK", (test) => {
  test("says so", () =>
    Effect.gen(function* () {
      const { network } = yield* CniNode
      assert.include((yield* ofNetwork(network)).ids, symptom("no DPDK"))
    }))

  test("tells findings from a doctor that could not look, by its exit status", () =>
    Effect.gen(function* () {
      const wrong = [["--frobnicate"], ["--pod", "nonsense"], ["--config", "/nonexistent/net.json"]]
      for (const args of [...wrong.map((words) => ["doctor", ...words]), ["container", "doctor", "--frobnicate"]]) {
        const { status, stderr, stdout } = yield* run(executable, args)
        assert.deepStrictEqual({ args, status, stdout }, { args, status: 2, stdout: "" })
        assert.match(stderr, /^userspace: .+\n {2}.+\n {2}-> /)
      }
    }))
})
