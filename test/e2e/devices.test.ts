/**
 * Ports that pods ask kubelet for, on the executable and a real Open vSwitch: a kubelet in TypeScript gives devices of the
 * agent, Multus' configuration names them, and packets flow through the directory that kubelet mounts.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { portName } from "../../src/identity/Attachment.ts"
import * as Kubelet from "../devices/support/Kubelet.ts"
import { untilTrue } from "../support/Until.ts"
import { CniNode, newContainerId, type Sandbox } from "./support/CniNode.ts"
import { healing } from "./support/Healing.ts"
import { errorOf, well } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

const name = "userspace-cni/br-e2e"

/** The agent with a resource of four devices, and a kubelet that knows them. */
const started = Effect.gen(function* () {
  const node = yield* CniNode
  const kubeletDir = `${node.directory}/kubelet`
  mkdirSync(`${kubeletDir}/plugins_registry`, { recursive: true })
  const file = `${node.directory}/resources.json`
  const resource = { name: "br-e2e", engine: "ovs-dpdk", socket: node.ovs.socket, count: 4, group: 107, mode: "0770" }
  writeFileSync(file, JSON.stringify({ kubeletDir, resources: [resource] }))
  const agent = yield* healing(node, "--resources", file)
  const kubelet = yield* Kubelet.start(`${kubeletDir}/plugins_registry`)
  yield* kubelet.until(() => kubelet.allocatable(name).length === 4)
  const { sharedDir: _, ...network } = node.network
  /** The network as Multus passes it on. */
  const given = (deviceID: string | undefined) => ({
    ...network,
    resourceName: name,
    ...(deviceID === undefined ? {} : { deviceID })
  })
  return { ...node, agent, kubelet, given }
})

const directoryOf = ({ mounts }: Kubelet.Given): string => mounts[0]?.host_path ?? ""

const newSandboxOf = (pod: Sandbox): Sandbox => ({ ...pod, containerId: newContainerId() })

onMachine(["root", "executable", "ovs", "hostLocal", "testpmd"], CniNode.layer)("devices", (test) => {
  test("packets flow between two pods without volume and kubeconfig, and again in a new sandbox at the same path", () =>
    Effect.gen(function* () {
      const { call, directory, given, kubelet, sandbox, vsctl } = yield* started
      const pod = Effect.fnUntraced(function* (container: string) {
        const devices = yield* kubelet.admit(name, container, 2)
        const of = yield* sandbox
        const ids = devices.ids
        const networks = [given(ids[0]), given(ids[1])] as const
        well(yield* call("ADD", of, networks[0]))
        well(yield* call("ADD", { ...of, ifName: "net2" }, networks[1]))
        return { devices, networks, of }
      })
      const end = (of: Kubelet.Given, n: number): Testpmd.End => ({
        name: `${directory.split("-").at(-1)}${n}`,
        socket: join(directoryOf(of), "net1"),
        mode: "server",
        mac: `02:00:00:00:0b:0${n}`
      })
      const [receives, sends] = [yield* pod("rx"), yield* pod("tx")]
      assert.isTrue(existsSync(join(directoryOf(receives.devices), "configData-net2.json")))
      const rx = end(receives.devices, 1)
      const receiver = yield* Testpmd.run(rx.name, directory, Testpmd.receiverArguments(rx))
      const burst = Effect.fnUntraced(function* (of: Sandbox, n: number) {
        yield* vsctl("wait-until", "Interface", portName({ network: "e2e", ...of }), "link_state=up")
        const tx = { ...end(sends.devices, 2), name: `${rx.name}x${n}` }
        yield* Testpmd.run(tx.name, directory, Testpmd.senderArguments(tx, rx.mac))
        const counted = yield* Testpmd.receivedAtLeast(receiver.log, n * Testpmd.burst)
        assert.strictEqual(counted, n * Testpmd.burst, of.containerId)
      }, Effect.scoped)
      yield* burst(receives.of, 1)
      // Kubelet stops a sandbox before it makes another.
      for (const [ifName, network] of [
        ["net1", sends.networks[0]],
        ["net2", sends.networks[1]]
      ] as const) {
        well(yield* call("DEL", { ...sends.of, ifName }, network))
      }
      const again = newSandboxOf(sends.of)
      well(yield* call("ADD", again, sends.networks[0]))
      yield* burst(receives.of, 2)
      well(yield* call("DEL", again, sends.networks[0]))
    }))

  test("more networks than devices, or no limit: the ADD is refused with what to do, and leaves nothing", () =>
    Effect.gen(function* () {
      const { call, given, sandbox, vsctl } = yield* started
      const of = yield* sandbox
      const { code, details } = yield* errorOf(yield* call("ADD", of, given(undefined)))
      assert.strictEqual(code, 7)
      assert.include(details, `Ask for ${name} in resources.limits`)
      well(yield* call("DEL", of, given(undefined)))
      assert.notInclude(yield* vsctl("list", "Interface"), of.containerId)
    }))

  test("the devices of a switch that is away are unhealthy, and healthy again when it is back", () =>
    Effect.gen(function* () {
      const { kubelet, ovs } = yield* started
      yield* ovs.killOvsdb
      yield* untilTrue("no healthy device", () => kubelet.allocatable(name).length === 0)
      yield* ovs.startOvsdb
      yield* kubelet.until(() => kubelet.allocatable(name).length === 4)
    }))
})
