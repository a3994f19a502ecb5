/**
 * Pods attached by fivetime/userspace-cni, on a real Open vSwitch, after the upgrade: listed, checked, deleted and
 * collected by our executable. Their state is created with the fork's own transactions, marks, names, modes and files
 * (June 2026).
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { forkMarks } from "../suites/ForkPort.ts"
import { CniNode, type Sandbox } from "./support/CniNode.ts"
import * as LegacyPod from "./support/LegacyPod.ts"
import { deleted, handleOf, leased, told } from "./support/LegacyPod.ts"
import { errorOf, well } from "./support/Plugin.ts"
import { run, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

/** createBridge; it has no mark of ours, so it stays. */
const bridge = Effect.flatMap(CniNode, ({ network, vsctl }) => {
  const name = network.host.bridge.bridgeName
  return Effect.acquireRelease(vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"), () =>
    Effect.ignore(vsctl("del-br", name))
  )
})

interface Fork extends Omit<LegacyPod.LegacyPod, "moved"> {
  readonly iface?: string
}

const attached = (pod: Sandbox, { ids = forkMarks(pod.containerId, pod.ifName), iface, ...how }: Fork) =>
  Effect.suspend(() => {
    mkdirSync(how.directory, { recursive: true, mode: 0o750 })
    return LegacyPod.attached(pod, { ...how, ids: { ...ids, ...(iface === undefined ? {} : { "iface-id": iface }) } })
  })

const Listing = Schema.fromJsonString(
  Schema.Struct({ attachments: Schema.Array(Schema.Record(Schema.String, Schema.Json)) })
)

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("the fork's ports on Open vSwitch", (test) => {
  const cases: ReadonlyArray<readonly [string, Omit<Fork, "directory">]> = [
    ["client mode", { mode: "client" }],
    ["client mode, socketfile, an OVN port", { mode: "client", socketfile: "my.sock", iface: "lsp1" }],
    ["server mode, its socket moved into the shared directory", { mode: "server" }]
  ]
  for (const [name, how] of cases) {
    for (const stateless of [false, true]) {
      test(`${name}${stateless ? ", without its state file" : ""}: one DEL leaves nothing but the bridge`, () =>
        Effect.gen(function* () {
          const { network, sandbox, sharedDir, stateDir, watched } = yield* CniNode
          yield* bridge
          const pod = yield* sandbox
          const before = yield* look(watched)
          const directory = `${sharedDir}/${pod.containerId.slice(0, 12)}`
          yield* attached(pod, { ...how, directory })
          yield* leased(pod)
          told(pod, directory, network.name)
          if (stateless) yield* succeed("rm", ["-r", `${stateDir}/data`])
          yield* deleted(pod, how, before)
        }))
    }
  }

  test("are listed, checked, and collected by GC and by sandbox; others stay", () =>
    Effect.gen(function* () {
      const {
        call,
        directory: files,
        network,
        ovs,
        plugins,
        sandbox,
        sharedDir,
        stateDir,
        vsctl,
        watched
      } = yield* CniNode
      yield* bridge
      const [pod, other, third] = [yield* sandbox, yield* sandbox, yield* sandbox]
      const alike = { ...pod, containerId: `${pod.containerId.slice(0, 12)}ffff` }
      const at = (one: Sandbox) => `${sharedDir}/${one.containerId.slice(0, 12)}`
      yield* attached(other, { mode: "client", directory: at(other) })
      told(other, at(other), network.name)
      yield* vsctl(
        ...["add-port", network.host.bridge.bridgeName, "half0", "--", "set", "Interface", "half0"],
        ...["type=dpdkvhostuserclient", "options:vhost-server-path=/nowhere/half0", "external_ids:owner=userspace-cni"]
      )
      const before = yield* look(watched)
      const listed = Effect.gen(function* () {
        const stdout = yield* succeed(`${plugins}/userspace`, [
          ...["list", "--json", "--state-dir", stateDir, "--ovs-socket", `${ovs.runDir}/db.sock`]
        ])
        return (yield* Schema.decodeUnknownEffect(Listing)(stdout)).attachments
      })
      const again = Effect.gen(function* () {
        yield* attached(pod, { mode: "client", directory: at(pod) })
        yield* leased(pod)
        told(pod, at(pod), network.name)
      })
      yield* again
      const mine = (yield* listed).filter(({ containerId }) => containerId === pod.containerId)
      assert.deepStrictEqual(
        mine.map(({ ifName, port, state }) => ({ ifName, port, state })),
        [{ ifName: pod.ifName, port: handleOf(pod), state: "fork" }]
      )
      const prevResult = { cniVersion: "1.1.0", interfaces: [{ name: pod.ifName, sandbox: pod.netns }] }
      well(yield* call("CHECK", pod, { ...network, prevResult }))
      yield* vsctl("set", "Port", handleOf(pod), "tag=7")
      const { msg } = yield* errorOf(yield* call("CHECK", pod, { ...network, prevResult }))
      assert.include(msg, `VLAN of port ${handleOf(pod)} is 7`)

      // A container whose id begins alike loses nothing.
      const attachedNow = yield* look(watched)
      well(yield* call("DEL", { ...alike, netns: "" }, network))
      yield* returnsTo(watched, attachedNow)

      const config = `${files}/net.json`
      writeFileSync(config, JSON.stringify(network))
      const gc = (...more: ReadonlyArray<string>) =>
        run(`${plugins}/userspace`, ["gc", "--config", config, "--cni-path", plugins, ...more])
      const valid = (...all: ReadonlyArray<Sandbox>) => {
        const list = all.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
        writeFileSync(`${files}/valid.json`, JSON.stringify(list))
        return gc("--valid", `${files}/valid.json`)
      }
      well(yield* valid(pod, other))
      yield* returnsTo(watched, attachedNow)
      well(yield* valid(other))
      yield* returnsTo(watched, before)

      yield* again
      well(yield* gc("--by-sandbox"))
      assert.notDeepEqual(yield* look(watched), before)
      told({ ...pod, netns: `${files}/is-gone` }, at(pod), network.name)
      const gone = yield* gc("--by-sandbox")
      well(gone)
      assert.include(gone.stdout, "Removed one attachment")
      yield* returnsTo(watched, before)

      // A state file whose port is not removed is kept, and reported.
      yield* attached(third, { mode: "client", directory: at(third), ids: { owner: "userspace-cni" } })
      const rest = yield* errorOf(yield* call("DEL", { ...third, netns: "" }, network))
      assert.strictEqual(rest.code, 106)
      assert.isTrue(existsSync(`${stateDir}/data/local-${handleOf(third)}.json`))
      yield* vsctl("del-port", handleOf(third))
      well(yield* call("DEL", { ...third, netns: "" }, network))
      yield* returnsTo(watched, before)
      well(yield* call("DEL", { ...other, netns: "" }, network))
    }))
})
