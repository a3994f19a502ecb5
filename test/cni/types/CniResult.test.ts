/** Results in the form of each version, and read back from each. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { AnyResult } from "../../../src/cni/types/AnyResult.ts"
import { type CniResult, emptyResult, family, fromAnyResult, inVersion } from "../../../src/cni/types/CniResult.ts"
import { atLeast, supportedVersions } from "../../../src/cni/types/Versions.ts"

const dual: CniResult = {
  interfaces: [
    {
      name: "net1",
      mac: "02:00:00:00:00:01",
      mtu: 9000,
      sandbox: "/var/run/netns/a",
      socketPath: "/s/0958c8871b32/0958c8871b32-net1",
      pciID: "0000:00:1f.6"
    }
  ],
  ips: [
    { address: "10.1.2.3/24", gateway: "10.1.2.1", interface: 0 },
    { address: "fd00::3/64", interface: 0 }
  ],
  routes: [
    { dst: "0.0.0.0/0", gw: "10.1.2.1" },
    { dst: "fd01::/64", mtu: 1400, advmss: 1360, priority: 5, table: 7 }
  ],
  dns: { nameservers: ["10.1.0.1"], domain: "a.local" }
}

const interfaceBefore11 = { name: "net1", mac: "02:00:00:00:00:01", sandbox: "/var/run/netns/a" }
const plainRoutes = [{ dst: "0.0.0.0/0", gw: "10.1.2.1" }, { dst: "fd01::/64" }]

describe("a complete result", () => {
  it.each(["0.1.0", "0.2.0"] as const)("in %s: one address of each family with its routes", (version) => {
    assert.deepStrictEqual(inVersion(version, dual), {
      cniVersion: version,
      ip4: { ip: "10.1.2.3/24", gateway: "10.1.2.1", routes: [{ dst: "0.0.0.0/0", gw: "10.1.2.1" }] },
      ip6: { ip: "fd00::3/64", routes: [{ dst: "fd01::/64" }] },
      dns: dual.dns
    })
  })

  it.each(["0.3.0", "0.3.1", "0.4.0"] as const)("in %s: addresses say their family", (version) => {
    assert.deepStrictEqual(inVersion(version, dual), {
      cniVersion: version,
      interfaces: [interfaceBefore11],
      ips: [
        { version: "4", address: "10.1.2.3/24", gateway: "10.1.2.1", interface: 0 },
        { version: "6", address: "fd00::3/64", interface: 0 }
      ],
      routes: plainRoutes,
      dns: dual.dns
    })
  })

  it("in 1.0.0: addresses have no family", () => {
    assert.deepStrictEqual(inVersion("1.0.0", dual), {
      cniVersion: "1.0.0",
      interfaces: [interfaceBefore11],
      ips: dual.ips,
      routes: plainRoutes,
      dns: dual.dns
    })
  })

  it("in 1.1.0: has MTU, socket path and the newer fields of routes", () => {
    assert.deepStrictEqual(inVersion("1.1.0", dual), { cniVersion: "1.1.0", ...dual })
  })
})

describe("a minimal result", () => {
  it.each(supportedVersions)("in %s has its version, and no empty lists", (version) => {
    assert.deepStrictEqual(
      inVersion(version, emptyResult),
      atLeast(version, "0.3.0") ? { cniVersion: version, interfaces: [], dns: {} } : { cniVersion: version, dns: {} }
    )
  })

  it("in an old version drops the second address of a family, which has no place there", () => {
    const ips = [{ address: "10.0.0.1/8" }, { address: "10.0.0.2/8" }]
    assert.deepStrictEqual(inVersion("0.2.0", { ...emptyResult, ips }), {
      cniVersion: "0.2.0",
      ip4: { ip: "10.0.0.1/8" },
      dns: {}
    })
  })
})

const decode = Schema.decodeUnknownSync(AnyResult)
const reread = (document: unknown) => fromAnyResult(decode(JSON.parse(JSON.stringify(document))))

describe("a result that is read back", () => {
  it.each(supportedVersions)("from %s has what that version can express", (version) => {
    const again = reread(inVersion(version, dual))
    assert.deepStrictEqual(inVersion(version, again), inVersion(version, dual))
    assert.deepStrictEqual(
      again.ips.map(({ address }) => address),
      ["10.1.2.3/24", "fd00::3/64"]
    )
  })

  it("from 1.1.0 loses nothing", () => {
    assert.deepStrictEqual(reread(inVersion("1.1.0", dual)), dual)
  })

  it("takes Go's null as absent everywhere", () => {
    assert.deepStrictEqual(
      reread({
        cniVersion: null,
        interfaces: [{ name: "a", mac: null, mtu: null, sandbox: null, socketPath: null, pciID: null }],
        ips: [{ address: "10.0.0.1/8", gateway: null, interface: null }],
        routes: [{ dst: "0.0.0.0/0", gw: null, mtu: null }],
        dns: null,
        ip4: null,
        ip6: null
      }),
      {
        interfaces: [{ name: "a" }],
        ips: [{ address: "10.0.0.1/8" }],
        routes: [{ dst: "0.0.0.0/0" }],
        dns: {}
      }
    )
    assert.deepStrictEqual(reread({ interfaces: null, ips: null, routes: null }), emptyResult)
    assert.deepStrictEqual(reread({ ip4: { ip: "10.0.0.1/8", gateway: null, routes: null } }).ips, [
      { address: "10.0.0.1/8" }
    ])
  })

  it("takes Go's empty text and zero as absent in an interface, and index 0 as an index", () => {
    const { interfaces, ips } = reread({
      interfaces: [{ name: "a", mac: "", mtu: 0, sandbox: "" }],
      ips: [{ address: "10.0.0.1/8", interface: 0 }]
    })
    assert.deepStrictEqual(interfaces, [{ name: "a" }])
    assert.deepStrictEqual(ips, [{ address: "10.0.0.1/8", interface: 0 }])
  })

  it.prop("keeps the order of addresses", [AnyResult], ([any]) => {
    const { ips } = fromAnyResult(any)
    const old = [any.ip4, any.ip6].flatMap((ip) => (ip ? [ip.ip] : []))
    assert.deepStrictEqual(
      ips.map(({ address }) => address),
      [...(any.ips ?? []).map(({ address }) => address), ...old]
    )
  })
})

it("derives the family from the text of an address", () => {
  assert.deepStrictEqual(["10.0.0.1/8", "::1/128", "::ffff:10.0.0.1/128"].map(family), ["4", "6", "6"])
})
