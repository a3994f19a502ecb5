/** One call of each kind, without parts that change from run to run: the content of `session.jsonl`. */
import { Effect, Layer, Schema } from "effect"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import * as OvsVswitch from "../../../src/ovs/OvsVswitch.ts"
import type { Sockets } from "../../../src/platform/Sockets.ts"
import { type PortRequest, Vswitch } from "../../../src/vswitch/Vswitch.ts"
import { MemoryFiles, layer as memoryFiles } from "../../platform/support/FilesMemory.ts"
import { plugOf } from "../../vswitch/support/PlugOf.ts"

/** `msg` has its keys in the order of the wire, so its text is the one on the wire. */
export const Line = Schema.fromJsonString(
  Schema.Struct({ dir: Schema.Literals(["send", "receive"]), msg: Schema.Json })
)

/** The remaining milliseconds of a deadline differ from run to run. */
export const withoutTime = (text: string): string => text.replaceAll(/"timeout":[1-9]\d*/g, '"timeout":1')

const request: PortRequest = {
  attachment: {
    network: "net",
    containerId: "0123456789ab4def",
    ifName: "net1",
    netns: "/proc/1/ns/net",
    pod: { namespace: "default", name: "pod-1", uid: "6c0b2f4e" }
  },
  invocation: "3f0c1d6e-6a1f-4a53-9f0e-0f6d5a1c2b3d",
  socketPath: "/var/lib/vhost/0123456789ab/0123456789ab-net1",
  mac: "02:00:00:00:00:01",
  addresses: [],
  port: {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    control: "",
    netType: "bridge",
    mode: "client",
    ovsSocketDir: "/var/run/openvswitch",
    bridge: "br-golden",
    mtu: 1400,
    mac: undefined,
    socketFile: undefined,
    group: undefined,
    vlan: 5,
    trunks: [6, 7],
    vlanMode: "native-untagged",
    ingressPolicingRate: 10000,
    ingressPolicingBurst: 1000,
    queues: 2,
    ovnPort: "lp-1"
  }
}

export const session = Effect.gen(function* () {
  const vswitch = yield* Vswitch
  const { attachment, port, socketPath } = request
  return {
    plugged: yield* plugOf(vswitch, request),
    differences: yield* vswitch.verify(request),
    owned: yield* vswitch.list("net"),
    second: (yield* Effect.flip(plugOf(vswitch, request))).failed,
    gone: yield* vswitch.unplug({ attachment, invocation: undefined, port, socketPath }),
    again: yield* vswitch.unplug({ attachment, invocation: undefined, port, socketPath })
  }
})

export const sessionOn = (database: string): Layer.Layer<Vswitch, never, Sockets> =>
  OvsVswitch.layer().pipe(
    Layer.provide(OvsClient.layer(database)),
    Layer.provide(memoryFiles(new MemoryFiles(["/var/lib/vhost/0123456789ab"])))
  )
