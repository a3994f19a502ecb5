import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { portName } from "../../src/identity/Attachment.ts"
import { suite } from "./Suite.ts"
import { administrator, request, type SwitchUnderTest } from "./SwitchUnderTest.ts"
import { existing, once, plugged, verify } from "./VswitchCalls.ts"

export const ovsDifferences = suite<SwitchUnderTest>("Vswitch on Open vSwitch, reading", (test) => {
  test("names every difference that somebody made", () =>
    Effect.gen(function* () {
      const { move, removePort, set } = yield* administrator
      const wanted = yield* request({ mtu: 1400, vlan: 5, trunks: [6, 7], vlanMode: "native-tagged" })
      const name = portName(wanted.attachment)
      yield* plugged(wanted)
      yield* set("Port", name, ["tag", "delete", 5], ["tag", "insert", 7])
      yield* set("Port", name, ["trunks", "delete", 6], ["vlan_mode", "delete", "native-tagged"])
      yield* set("Interface", name, ["mtu_request", "delete", 1400], ["ingress_policing_rate", "+=", 50])
      yield* set(
        "Interface",
        name,
        ["options", "delete", ["set", ["vhost-server-path"]]],
        ["options", "insert", ["map", [["vhost-server-path", "/else/where"]]]]
      )
      const other = yield* existing()
      yield* move(name, other)
      assert.deepStrictEqual(yield* verify(wanted), [
        `bridge of port ${name} is ${other}, not ${wanted.port.bridge}`,
        `VLAN of port ${name} is 7, not 5`,
        `trunks of port ${name} is 7, not 6,7`,
        `VLAN mode of port ${name} is none, not native-tagged`,
        `socket path of port ${name} is /else/where, not ${wanted.socketPath}`,
        `MTU request of port ${name} is none, not 1400`,
        `ingress policing rate of port ${name} is 50, not 0`
      ])
      yield* removePort(name)
      assert.deepStrictEqual(yield* verify(wanted), [`port ${name} is missing`])
      // What is left is a bridge of ours without a port.
      yield* (yield* administrator).removeBridge(wanted.port.bridge)
    }))

  test("lists our ports, of all networks or of one, and nobody else's", () =>
    Effect.gen(function* () {
      const { port } = yield* administrator
      const bridge = yield* existing()
      yield* port(bridge, "foreign1", { type: "internal", external_ids: ["map", [["userspace-cni", "1"]]] })
      const blue = yield* request({ bridge })
      const red = yield* request({ bridge })
      yield* plugged({ ...blue, attachment: { ...blue.attachment, network: "blue" } })
      yield* plugged({ ...red, attachment: { ...red.attachment, network: "red" } })
      const list = (network?: string) =>
        once((vswitch) => Effect.map(vswitch.list(network), (all) => all.map((owned) => owned.network).sort()))
      assert.deepStrictEqual(yield* list(), ["blue", "red"])
      assert.deepStrictEqual(yield* list("red"), ["red"])
      assert.deepStrictEqual(yield* list("green"), [])
    }))
})
