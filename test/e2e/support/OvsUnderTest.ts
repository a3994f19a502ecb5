/** {@link SwitchUnderTest} on a real Open vSwitch with DPDK. */
import { Effect, Layer } from "effect"
import { openDatabase } from "../../../src/ovs/client/JsonRpc.ts"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import * as OvsLegacyPorts from "../../../src/ovs/OvsLegacyPorts.ts"
import * as OvsVswitch from "../../../src/ovs/OvsVswitch.ts"
import { Files } from "../../../src/platform/Files.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { SwitchUnderTest } from "../../suites/SwitchUnderTest.ts"
import { until } from "../../support/Until.ts"
import { OvsInstance } from "./OvsInstance.ts"
import { succeed } from "./Program.ts"

const make = Effect.gen(function* () {
  const ovs = yield* OvsInstance
  const client = Layer.provide(OvsClient.layer(ovs.socket), NodeSockets.layer)
  const inNetns = (...args: ReadonlyArray<string>) =>
    Effect.flatMap(ovs.ovsdbPid, (pid) => succeed("nsenter", [`--net=/proc/${pid}/ns/net`, "ip", ...args]))
  return SwitchUnderTest.of({
    client,
    vswitch: Layer.provide(
      OvsVswitch.layer((client) => Effect.succeed(OvsLegacyPorts.make(client))),
      [client, Files.layer, NodeSockets.layer]
    ),
    transact: yield* Effect.provide(openDatabase(ovs.socket), NodeSockets.layer),
    ovsSocketDir: ovs.runDir,
    killVswitchd: Effect.orDie(ovs.killVswitchd),
    startVswitchd: Effect.orDie(ovs.startVswitchd),
    stopDatabase: Effect.orDie(ovs.stopOvsdb),
    startDatabase: Effect.orDie(ovs.startOvsdb),
    // Something that is no tap takes the name of the datapath's own tap device, so that no bridge can be created.
    breakBridge: () =>
      Effect.asVoid(
        Effect.acquireRelease(
          // The bridge of the test before is removed with its device, for which ovs-vswitchd takes up to a second.
          Effect.orDie(
            until(
              "the end of the last bridge",
              inNetns("tuntap", "add", "dev", "ovs-netdev", "mode", "tun"),
              () => true
            )
          ),
          () => Effect.orDie(inNetns("link", "delete", "ovs-netdev"))
        )
      ),
    flows: (bridge) =>
      ovs.ofctl("--no-stats", "dump-flows", `unix:${ovs.runDir}/${bridge}.mgmt`).pipe(
        Effect.map((text) => [...text.matchAll(/in_port=\S+ actions=\S+/g)].map(([flow]) => flow)),
        Effect.orDie
      )
  })
})

export const overInstance = Layer.effect(SwitchUnderTest, make)

export const OvsUnderTest = Layer.provide(overInstance, OvsInstance.layer)
