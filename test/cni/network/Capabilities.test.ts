/** A pod's requests for its port: bandwidth in a switch's units and direction, addresses, a MAC address. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readConfiguration, readEnvelope } from "../../../src/cni/network/Configuration.ts"
import { readArgs } from "../../../src/cni/types/Environment.ts"

const configured = (more: object, host: object = {}, args = "") => {
  const text = JSON.stringify({
    cniVersion: "1.0.0",
    name: "net",
    host: { engine: "ovs-dpdk", iftype: "vhostuser", vhost: { mode: "client" }, ...host },
    ...more
  })
  return Result.getOrThrow(
    Result.flatMap(readEnvelope(text), (envelope) =>
      Result.flatMap(readArgs(args), (parsed) => readConfiguration(envelope, parsed, {}))
    )
  )
}

const limits = (bandwidth: unknown, vhost: object = {}) => {
  const { port, warnings } = configured({ runtimeConfig: { bandwidth } }, { vhost: { mode: "client", ...vhost } })
  return port.engine === "ovs-dpdk"
    ? { rate: port.ingressPolicingRate, burst: port.ingressPolicingBurst, warnings }
    : assert.fail("not Open vSwitch")
}

describe("bandwidth", () => {
  it("what the container sends is what the switch receives, in kilobits", () => {
    const { burst, rate, warnings } = limits({ egressRate: 20_000_000, egressBurst: 4_000_000 })
    assert.deepStrictEqual({ rate, burst, warnings }, { rate: 20_000, burst: 4_000, warnings: [] })
  })

  it("is read as containerd writes it, with bursts that mean none", () => {
    const { burst, rate, warnings } = limits({
      IngressRate: 10_000_000,
      IngressBurst: 4_294_967_295,
      EgressRate: 20_000_000,
      EgressBurst: 4_294_967_295
    })
    assert.deepStrictEqual({ rate, burst }, { rate: 20_000, burst: 4_294_968 })
    assert.match(warnings.join(), /towards the container \(ingressRate\) is not limited/)
  })

  it("is never rounded to no limit, and never exceeds what the switch can count", () => {
    assert.strictEqual(limits({ egressRate: 1 }).rate, 1)
    assert.strictEqual(limits({ egressRate: 1e18 }).rate, 4_294_967_295)
  })

  it("of a pod can be lower than the network's, not higher", () => {
    const network = { ingressPolicingRate: 1000, ingressPolicingBurst: 100 }
    assert.deepInclude(limits({ egressRate: 500_000, egressBurst: 50_000 }, network), { rate: 500, burst: 50 })
    assert.deepInclude(limits({ egressRate: 5_000_000, egressBurst: 50_000 }, network), { rate: 1000, burst: 100 })
    assert.deepInclude(limits({}, network), { rate: 1000, burst: 100 })
  })

  it("without a readable value limits nothing", () => {
    for (const nothing of [undefined, null, {}, { egressRate: "1" }, { egressRate: -1 }, [], "x"]) {
      assert.deepStrictEqual(limits(nothing), { rate: 0, burst: 0, warnings: [] })
    }
  })

  const onVpp = (bandwidth: unknown) => {
    const host = { engine: "vpp", iftype: "memif", vhost: {}, memif: { role: "master" } }
    const { port, warnings } = configured({ runtimeConfig: { bandwidth } }, host)
    assert.deepStrictEqual(warnings, [])
    return port.engine === "vpp" ? port.limits : assert.fail("not VPP")
  }

  it("on VPP applies both ways, in kilobits and bytes that allow no less", () => {
    assert.deepStrictEqual(
      onVpp({ ingressRate: 10_000_001, ingressBurst: 81, EgressRate: 20_000_000, EgressBurst: 4_294_967_295 }),
      [
        { direction: "input", rate: 20_000, burst: 536_870_912 },
        { direction: "output", rate: 10_001, burst: 11 }
      ]
    )
    assert.deepStrictEqual(onVpp({ ingressRate: 1e18, ingressBurst: 1e18 }), [
      { direction: "output", rate: 4_294_967_295, burst: 4_294_967_295 }
    ])
  })

  it("on VPP has a burst of one megabyte when none is given, because VPP passes nothing without one", () => {
    assert.deepStrictEqual(onVpp({ egressRate: 1 }), [{ direction: "input", rate: 1, burst: 1_000_000 }])
    assert.deepStrictEqual(onVpp({ egressBurst: 1_000 }), [])
    assert.deepStrictEqual(onVpp(undefined), [])
  })
})

describe("addresses", () => {
  const ips = ["10.0.0.7/24", "fd00::7/64"]

  it("requested of a network without IPAM give a warning, and no error", () => {
    assert.match(configured({ runtimeConfig: { ips } }).warnings.join(), /10\.0\.0\.7\/24,fd00::7\/64.*no ipam/)
    assert.match(configured({}, {}, "IgnoreUnknown=1;IP=10.0.0.7").warnings.join(), /10\.0\.0\.7 .*no ipam/)
    assert.deepStrictEqual(configured({ runtimeConfig: { ips: [] } }).warnings, [])
  })

  it("are for the IPAM plugin: it gets the original text of the configuration", () => {
    const more = { ipam: { type: "static" }, runtimeConfig: { ips, mac: "02:00:00:00:00:07", deviceID: "any" } }
    const { netConf, text, warnings } = configured({ ...more, args: { cni: { ips } } })
    assert.deepStrictEqual(JSON.parse(text).runtimeConfig, more.runtimeConfig)
    assert.deepStrictEqual(JSON.parse(text).args, { cni: { ips } })
    assert.strictEqual(netConf.runtimeConfig?.["deviceID"], "any")
    assert.deepStrictEqual(warnings, [])
  })
})
