/**
 * `container vpp` on real VPPs: one is the node's switch, on which the executable creates memifs; two are the pods'. Pings pass between the pods, and a second run changes nothing.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { containerVpp } from "../suites/ContainerVppSuite.ts"
import { runOn } from "../suites/Run.ts"
import { lastSeen } from "../support/Until.ts"
import { newContainerId } from "./support/CniNode.ts"
import { executable, pluginDirectory, vppPrefixes } from "./support/Machine.ts"
import * as Plugin from "./support/Plugin.ts"
import { run, succeed } from "./support/Program.ts"
import { underTest } from "./support/RealVpp.ts"
import { onMachine } from "./support/Suite.ts"
import { instance, type VppInstance } from "./support/VppInstance.ts"

class Vpps extends Context.Service<
  Vpps,
  {
    readonly prefix: string
    readonly directory: string
    readonly host: VppInstance
    readonly pods: readonly [VppInstance, VppInstance]
  }
>()("userspace-cni/test/Vpps") {
  static readonly layer = (prefix: string) =>
    Layer.effect(
      Vpps,
      Effect.gen(function* () {
        const directory = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(`${tmpdir()}/cv-`)),
          (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
        )
        for (const name of ["s", "state", "leases", "bin"]) mkdirSync(`${directory}/${name}`)
        for (const name of ["host-local", "static"])
          symlinkSync(`${pluginDirectory}/${name}`, `${directory}/bin/${name}`)
        const [host, one, two] = [yield* instance(prefix), yield* instance(prefix), yield* instance(prefix)]
        return { prefix, directory, host, pods: [one, two] as const }
      })
    )
}

const network = ({ directory, host }: Vpps["Service"], more: object, ipam: object) => ({
  cniVersion: "1.0.0",
  type: "userspace",
  name: "e2e",
  sharedDir: `${directory}/s`,
  stateDir: `${directory}/state`,
  host: { engine: "vpp", iftype: "memif", socket: host.api, ...more },
  ipam: { type: "host-local", dataDir: `${directory}/leases`, ...ipam }
})

const dualStack = {
  ranges: [[{ subnet: "10.57.0.0/24", gateway: "10.57.0.1" }], [{ subnet: "fd00:57::/64", gateway: "fd00:57::1" }]],
  routes: [{ dst: "10.99.0.0/16" }, { dst: "::/0" }]
}

/** Calls ADD, and DEL at the end; returns the container's paths as flags, and its first address. */
const attached = Effect.fnUntraced(function* (configuration: object, netns = "/proc/self/ns/net") {
  const vpps = yield* Vpps
  const sandbox = { containerId: newContainerId(), ifName: "net1", netns }
  const call = (verb: "ADD" | "DEL") =>
    Plugin.call({
      plugin: executable,
      verb,
      ...sandbox,
      path: `${vpps.directory}/bin`,
      stdin: JSON.stringify(configuration),
      environment: { CNI_NETNS_OVERRIDE: "1" }
    })
  yield* Effect.addFinalizer(() => Effect.ignore(call("DEL")))
  const result = yield* Plugin.resultOf(yield* call("ADD"))
  const directory = `${vpps.directory}/s/${sandbox.containerId.slice(0, 12)}`
  const [address = ""] = result.ips.map(({ address }) => address.split("/")[0] ?? "")
  return {
    address,
    ips: result.ips.map(({ address }) => address.split("/")[0] ?? ""),
    directory,
    places: ["--annotations", "/absent", "--dir", directory]
  }
})

/** As if the network requested another ring size. */
const changed = (directory: string) => {
  const [name = ""] = readdirSync(directory).filter((entry) => entry.startsWith("configData-"))
  const before = readFileSync(`${directory}/${name}`, "utf8")
  const after = before.replace('"memif":{', '"memif":{"ringSize":512,')
  assert.notStrictEqual(after, before)
  writeFileSync(`${directory}/${name}`, after)
}

const configure = (pod: VppInstance, places: ReadonlyArray<string>) =>
  succeed(executable, ["container", "vpp", "--socket", pod.api, ...places])

/** The pod's VPP state that does not change by itself. */
const look = Effect.fnUntraced(function* (pod: VppInstance) {
  const shown = [yield* pod.ctl("show", "interface", "address"), yield* pod.ctl("show", "memif")]
  const routes = [yield* pod.ctl("show", "ip", "fib", "10.99.0.0/16"), yield* pod.ctl("show", "ip6", "fib", "::/0")]
  return [...shown, ...routes].join("\n").replaceAll(/(head|tail|pos|refs|index|locks|uRPF-list|counts?)[: ]\S+/g, "")
})

const five = (pod: VppInstance, to: string) =>
  Effect.map(pod.ctl("ping", to, "repeat", "5", "interval", "0.1"), (text) =>
    Number(/(\d+) received/.exec(text)?.[1] ?? 0)
  )

const pings = (pod: VppInstance, to: string) => lastSeen(five(pod, to), (received) => received === 5)

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  onMachine(["root", "vpp"], underTest(prefix))(
    `container vpp, one by one, on a real VPP ${basename(prefix)}`,
    (test) => runOn(test, containerVpp)
  )

  onMachine(["root", "executable", "vpp", "hostLocal"], Vpps.layer(prefix))(
    `container vpp on a real VPP ${basename(prefix)}`,
    (test) => {
      for (const role of ["master", "slave"] as const) {
        test(`two pods ping each other over a bridge domain, the switch being memif ${role}`, () =>
          Effect.gen(function* () {
            const vpps = yield* Vpps
            const host = { netType: "bridge", memif: { role }, bridge: { bridgeName: "57" }, mtu: 1400 }
            const configuration = network(vpps, host, dualStack)
            const [one, two] = [yield* attached(configuration), yield* attached(configuration)]
            const [first, second] = vpps.pods
            assert.match(
              yield* configure(first, one.places),
              /^net1: memif\d+\/0 made, up, 10\.57\.0\.\d+\/24, fd00:57::\w+\/64\n$/
            )
            yield* configure(second, two.places)
            for (const ip of two.ips) assert.strictEqual(yield* pings(first, ip), 5)

            const before = yield* look(first)
            assert.include(before, one.address)
            assert.match(yield* configure(first, one.places), /^net1: memif\d+\/0 kept/)
            assert.strictEqual(yield* look(first), before)
            assert.strictEqual(yield* pings(first, two.address), 5)

            // Another configuration: the interface is replaced, with its learned neighbours.
            changed(one.directory)
            assert.match(yield* configure(first, one.places), /made/)
            for (const ip of two.ips) assert.strictEqual(yield* pings(first, ip), 5)

            yield* first.kill
            yield* first.start
            assert.match(yield* configure(first, one.places), /made/)
            assert.strictEqual(yield* pings(first, two.address), 5)
            // The next test's pods share nothing with these.
            for (const pod of vpps.pods) yield* Effect.andThen(pod.kill, pod.start)
          }))
      }

      for (const [what, address, gateway] of [
        ["in the pod's subnet", "10.58.0.2/24", "10.58.0.1"],
        ["outside of the pod's prefix of one address", "10.58.0.2/32", "169.254.58.1"]
      ] as const) {
        test(`a pod pings the switch over a layer 3 link, the gateway ${what}`, () =>
          Effect.gen(function* () {
            const vpps = yield* Vpps
            const ipam = { type: "static", addresses: [{ address, gateway }], routes: [{ dst: "0.0.0.0/0" }] }
            const configuration = network(vpps, { netType: "interface", memif: { role: "master" } }, ipam)
            const { places } = yield* attached(configuration)
            const [pod] = vpps.pods
            yield* configure(pod, places)
            assert.include(yield* pod.ctl("show", "ip", "fib", "10.1.2.3"), gateway)
            // VPP 21.10 sends no neighbour request from a single address.
            const mute = address.endsWith("/32") && (yield* pod.ctl("show", "version")).startsWith("vpp v21.")
            assert.strictEqual(yield* (mute ? five : pings)(pod, gateway), mute ? 0 : 5)
            yield* Effect.andThen(pod.kill, pod.start)
          }))
      }

      test("two pods ping each other over abstract sockets, each in its own namespace", () =>
        Effect.gen(function* () {
          const vpps = yield* Vpps
          const memif = { role: "master", socket: "abstract" }
          const configuration = network(vpps, { netType: "bridge", memif, bridge: { bridgeName: "59" } }, dualStack)
          const [, release = ""] = /^vpp v(\d+\.\d+)/.exec(yield* vpps.host.ctl("show", "version")) ?? []
          const of = (pod: VppInstance) =>
            Effect.flatMap(pod.pid, (pid) => attached(configuration, `/proc/${pid}/ns/net`))
          const [first, second] = vpps.pods
          if (release < "23.06") return assert.isTrue((yield* Effect.exit(of(first)))._tag === "Failure")
          const [one, two] = [yield* of(first), yield* of(second)]
          yield* configure(first, one.places)
          yield* configure(second, two.places)
          assert.strictEqual(yield* pings(first, two.address), 5)
          assert.match(yield* configure(first, one.places), /kept/)
          for (const pod of vpps.pods) yield* Effect.andThen(pod.kill, pod.start)
        }))

      test("waits for a VPP that starts, and says what to do when there is none", () =>
        Effect.gen(function* () {
          const vpps = yield* Vpps
          const host = { netType: "bridge", memif: { role: "master" }, bridge: { bridgeName: "58" } }
          const { places } = yield* attached(network(vpps, host, dualStack))
          const [pod] = vpps.pods
          yield* pod.kill
          const words = ["container", "vpp", "--socket", pod.api, ...places]
          const { status, stderr } = yield* run(executable, [...words, "--timeout", "300ms"])
          assert.strictEqual(status, 1)
          assert.include(stderr, "Check that VPP runs in this container")
          const [{ stdout }] = yield* Effect.all([run(executable, words), pod.start], { concurrency: "unbounded" })
          assert.include(stdout, "made")
        }))
    }
  )
}
