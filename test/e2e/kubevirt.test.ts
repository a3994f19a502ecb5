/**
 * Two virtual machines on a real Open vSwitch: kubelet gives devices, the CNI plugin makes the ports, the sidecar changes the
 * domains, libvirt starts QEMU with them, and the guests ping each other.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { portName } from "../../src/identity/Attachment.ts"
import * as Kubelet from "../devices/support/Kubelet.ts"
import { until } from "../support/Until.ts"
import { CniNode } from "./support/CniNode.ts"
import * as Guest from "./support/Guest.ts"
import { healing } from "./support/Healing.ts"
import { well } from "./support/Plugin.ts"
import { succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

const resource = "userspace-cni/br-e2e"
/** As KubeVirt names the interface of a network: the same on the source and the target of a migration. */
const ifName = "pod1a2b3c"
const count = 10

const DeviceInfo = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      type: Schema.String,
      "vhost-user": Schema.Struct({ mode: Schema.Literals(["client", "server"]), path: Schema.String })
    })
  )
)

onMachine(["root", "executable", "ovs", "hostLocal", "machines", "hugepages"], CniNode.layer)(
  "virtual machines",
  (test) => {
    test(
      "ping each other through the ports of their pods, with MAC address and MTU of the network",
      () =>
        Effect.gen(function* () {
          const node = yield* CniNode
          yield* Guest.pagesFor(2)
          const kubeletDir = `${node.directory}/kubelet`
          mkdirSync(`${kubeletDir}/plugins_registry`, { recursive: true })
          const file = `${node.directory}/resources.json`
          const own = { name: "br-e2e", engine: "ovs-dpdk", socket: node.ovs.socket, count: 2 }
          writeFileSync(file, JSON.stringify({ kubeletDir, resources: [own] }))
          yield* healing(node, "--resources", file)
          const kubelet = yield* Kubelet.start(`${kubeletDir}/plugins_registry`)
          yield* kubelet.until(() => kubelet.allocatable(resource).length === 2)
          const { sharedDir: _, ...network } = node.network

          const machine = Effect.fnUntraced(function* (n: 1 | 2) {
            const given = yield* kubelet.admit(resource, `virt-launcher-${n}`, 1)
            const directory = `${node.directory}/vm${n}`
            const mac = `02:00:00:00:0c:0${n}`
            const deviceInfo = `${directory}/device-info.json`
            const conf = {
              ...network,
              resourceName: resource,
              deviceID: given.ids[0],
              host: { ...network.host, mtu: 1450 },
              runtimeConfig: { CNIDeviceInfoFile: deviceInfo, mac }
            }
            const pod = { ...(yield* node.sandbox), ifName }
            well(yield* node.call("ADD", pod, conf))
            const text = yield* succeed("cat", [deviceInfo])
            const [mount] = given.mounts
            const guest = yield* Guest.run({
              name: `vm${n}`,
              directory,
              mount: { from: mount?.host_path ?? "", at: mount?.container_path ?? "" },
              info: { interfaces: [{ network: "left", mac, mtu: 1450, deviceInfo: DeviceInfo(text) }] },
              address: `10.77.0.${n}`,
              ping: n === 2 ? { to: "10.77.0.1", count } : undefined
            })
            return { ...guest, pod, conf, mac }
          })
          const says = ({ log, serial }: Effect.Success<ReturnType<typeof machine>>, words: RegExp) =>
            Effect.map(
              until(`${words}`, Effect.all([serial, log]), ([text]) => words.test(text), { deadline: "2 minutes" }),
              ([text]) => words.exec(text) ?? []
            )
          const first = yield* machine(1)
          const [, mac, mtu] = yield* says(first, /GUEST ready mac=(\S+) mtu=(\d+)/)
          assert.deepStrictEqual([mac, mtu], [first.mac, "1450"])
          const second = yield* machine(2)
          const [, received] = yield* says(second, /GUEST received (\d+)/)
          assert.strictEqual(Number(received), count)
          for (const { pod } of [first, second]) {
            const link = yield* node.vsctl("get", "Interface", portName({ network: "e2e", ...pod }), "link_state")
            assert.strictEqual(link.trim(), "up")
          }
          for (const { conf, pod } of [first, second]) well(yield* node.call("DEL", pod, conf))
        }),
      // The guests' CPUs are emulated.
      240_000
    )
  }
)
