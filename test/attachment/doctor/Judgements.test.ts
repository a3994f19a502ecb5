/** Judgements over what this machine cannot be brought into: pure, of looks that are written down here. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Account from "../../../src/attachment/doctor/Account.ts"
import { found, type Judged } from "../../../src/attachment/doctor/findings/Finding.ts"
import { findings } from "../../../src/attachment/doctor/findings/Findings.ts"
import { hugetlbfsIn } from "../../../src/attachment/doctor/Inside.ts"
import * as Leases from "../../../src/attachment/doctor/Leases.ts"
import * as Port from "../../../src/attachment/doctor/link/Port.ts"
import * as Published from "../../../src/attachment/doctor/link/Published.ts"
import { userIn } from "../../../src/attachment/doctor/link/Sandbox.ts"
import * as Multus from "../../../src/attachment/doctor/Multus.ts"
import * as Node from "../../../src/attachment/doctor/Node.ts"
import { twice } from "../../../src/attachment/doctor/Requested.ts"
import * as Switches from "../../../src/attachment/doctor/Switches.ts"
import { polling } from "../../../src/ovs/OvsView.ts"
import { buffersIn, memifsIn } from "../../../src/vpp/VppView.ts"
import type { OvsView, PortView, VppView } from "../../../src/vswitch/View.ts"

const ids = ({ findings }: Judged) => findings.map(({ id }) => id)

const port: PortView = {
  key: "k",
  network: "net-a",
  containerId: "c1",
  ifName: "net1",
  pod: undefined,
  socketPath: "/run/s",
  port: "uspa",
  on: "bridge br0",
  connected: true,
  link: true,
  error: null,
  mtu: 1500,
  queues: "1",
  rings: "256, 256",
  features: "0x1",
  numa: 0,
  polledOn: [0],
  counted: true,
  drops: []
}

const ofPort = (more: Partial<PortView>, told?: number) =>
  ids(Port.judge({ view: { ...port, ...more }, asked: true, differences: [], mtu: { requested: undefined, told } }, {}))

describe("a port", () => {
  it("that works has no finding", () => assert.deepStrictEqual(ofPort({}, 1500), []))
  it("of another NUMA node", () => assert.deepStrictEqual(ofPort({ polledOn: [1] }), ["memory-on-other-numa-node"]))
  it("that is connected and down", () => assert.deepStrictEqual(ofPort({ link: false }), ["link-down"]))
  it("that the switch could not make", () => assert.deepStrictEqual(ofPort({ error: "no memory" }), ["port-failed"]))
  it("with another MTU than the container is told", () => assert.deepStrictEqual(ofPort({}, 9000), ["mtu-differs"]))
  it("whose packets Open vSwitch does not count", () =>
    assert.deepStrictEqual(ofPort({ counted: false }), ["packets-not-counted"]))
  it("that drops", () =>
    assert.deepStrictEqual(
      ofPort({
        drops: [
          { why: "rate limit", packets: 1 },
          { why: "application", packets: 2 }
        ]
      }),
      ["packets-over-rate", "application-too-slow"]
    ))
  it("of a switch that was not asked is not called sound, whatever its database keeps", () => {
    const mtu = { requested: undefined, told: undefined }
    const { findings, links } = Port.judge({ view: port, asked: false, differences: [], mtu }, {})
    assert.deepStrictEqual(findings, [])
    assert.deepStrictEqual([...new Set(links.map(({ is }) => is))], ["unknown"])
  })
  it("by the kinds of differences that a switch tells", () => {
    const kinds = (["missing", "forgotten", "silent"] as const).map((kind) => ({ what: kind, kind }))
    const differences = [...kinds, { what: "OVN", warning: true }, { what: "tag" }]
    const judged = Port.judge(
      { view: undefined, asked: true, differences, mtu: { requested: undefined, told: undefined } },
      {}
    )
    assert.deepStrictEqual(ids(judged), ["port-missing", "port-incomplete", "port-may-not-work", "port-changed"])
  })
})

describe("device information", () => {
  const of = (text: Parameters<typeof Published.judge>[0]["deviceInfo"]) =>
    Published.judge({ config: [], shared: [], deviceInfo: text }, "/d", {})
  it("that is missing is a finding", () =>
    assert.deepStrictEqual(ids(of({ path: "/p", text: undefined })), ["container-config-missing"]))
  it("that cannot be read is not inspected", () => {
    const { findings, unseen } = of({ path: "/p", text: { code: 5, failed: "read /p: EACCES", cure: "" } })
    assert.deepStrictEqual([findings, unseen], [[], ["device information: read /p: EACCES"]])
  })
})

const ovs: OvsView = {
  engine: "ovs-dpdk",
  control: "/run/db.sock",
  version: "3.5.0",
  dpdkVersion: null,
  dpdk: true,
  lacks: [],
  asked: true,
  silent: undefined,
  bridges: [{ name: "br0", datapath: "netdev", secure: true, others: ["eth0"], unlearned: ["uspa"], ours: 1 }],
  ports: []
}

const vpp: VppView = {
  engine: "vpp",
  control: "/a",
  version: "26.06",
  unloaded: ["vhost"],
  lacks: [],
  buffers: null,
  ports: []
}

describe("a switch", () => {
  it.each([
    ["23.02-release", ["vpp-memif-overflow"]],
    ["26.02", ["vpp-memif-overflow"]],
    ["v25.10-rc2~3", ["vpp-memif-overflow"]],
    ["26.06-release", []],
    ["27.02", []],
    ["unknown", []],
    [null, []]
  ])("VPP %s with memif: its overflow is a finding below 26.06", (version, wanted) => {
    const view = { ...vpp, version, unloaded: [] }
    assert.deepStrictEqual(ids(Switches.ofVpp(view, new Set(["memif"]))), wanted)
    assert.deepStrictEqual(ids(Switches.ofVpp(view, new Set(["vhostuser"]))), [])
  })
  it("with a bridge that drops what it does not know, if somebody uses it", () => {
    assert.deepStrictEqual(ids(Switches.ofOvs(ovs, new Set(["br0"]))), ["bridge-drops-unknown"])
    assert.deepStrictEqual(ids(Switches.ofOvs(ovs, new Set())), [])
  })
  it("whose ovs-vswitchd was not asked is not called sound, and what its database lacks is a finding", () => {
    const of = (view: Partial<OvsView>) => Switches.ofOvs({ ...ovs, asked: false, ...view }, new Set())
    const judged = of({})
    assert.deepStrictEqual([ids(judged), judged.unseen], [["ovs-vswitchd-not-asked"], []])
    assert.deepStrictEqual(
      judged.links.map(({ is, seen }) => [is, seen]),
      [["unknown", "ovs-vswitchd was not asked; the database has version 3.5.0, DPDK initialized"]]
    )
    assert.deepStrictEqual(ids(of({ dpdk: false })), ["dpdk-not-initialized"])
  })
  it("without vhost-user", () =>
    assert.deepStrictEqual(ids(Switches.ofOvs({ ...ovs, lacks: ["dpdkvhostuser"] }, new Set())), ["ovs-without-vhost"]))
  it("without a plugin is an error for those who use it", () => {
    assert.deepStrictEqual(ids(Switches.ofVpp(vpp, new Set(["vhostuser"]))), ["vpp-plugin-not-loaded"])
    assert.deepStrictEqual(ids(Switches.ofVpp(vpp, new Set(["memif"]))), ["vpp-plugin-unused"])
  })
  it("tells which threads poll what", () => {
    const text = [
      "pmd thread numa_id 0 core_id 1:",
      "  isolated : false",
      "  port: uspa              queue-id:  0 (enabled)   pmd usage:  0 %",
      "pmd thread numa_id 1 core_id 9:",
      "  port: uspa              queue-id:  1 (enabled)   pmd usage:  0 %",
      "  port: uspb              queue-id:  0 (enabled)   pmd usage:  0 %"
    ].join("\n")
    assert.deepStrictEqual(
      [...polling(text)],
      [
        ["uspa", [0, 1]],
        ["uspb", [1]]
      ]
    )
  })
  it("prints its buffers and queues", () => {
    const head = "Pool Name            Index NUMA  Size  Data Size  Total  Avail  Cached   Used  "
    const row = "default-numa-0         0     0   2304     2048    8192   8000     10      182  "
    assert.deepStrictEqual(buffersIn(`${head}\n${row}`), [{ pool: "default-numa-0", total: 8192, free: 8010 }])
    const head7 = "interface memif7/0\n  socket-id 7 id 0 mode ethernet\n  listener-fd 14 conn-fd 15\n"
    const rings = "  num-s2m-rings 2 num-m2s-rings 1 buffer-size 2048 num-regions 2\n"
    const ring = "  master-to-slave ring 0:\n    region 0 offset 0 ring-size 1024 int-fd 19\n"
    const off = "interface memif8/0\n  num-s2m-rings 0 num-m2s-rings 0 buffer-size 0 num-regions 0\n"
    assert.deepStrictEqual(
      [...memifsIn(`sockets\n${head7}${rings}${ring}${off}`)],
      [
        ["memif7/0", { queues: "2 to the master, 1 to the slave", rings: "1024 descriptors, buffers of 2048 bytes" }],
        ["memif8/0", { queues: null, rings: null }]
      ]
    )
  })
})

describe("the node", () => {
  it("without hugepages, with free ones, and with none left", () => {
    const pool = (total: number, free: number) => Node.ofHugepages([{ kilobytes: 2048, total, free }])
    assert.deepStrictEqual([pool(0, 0), pool(4, 1), pool(4, 0)].map(ids), [
      ["hugepages-missing"],
      [],
      ["hugepages-used-up"]
    ])
    assert.lengthOf(Node.ofHugepages(undefined).unseen, 1)
  })
  it("with Multus in a file or in a list of plugins", () => {
    const inText = (value: object) => Multus.inText("/f", JSON.stringify(value)).map(({ retries }) => retries)
    assert.deepStrictEqual(inText({ type: "multus" }), [false])
    assert.deepStrictEqual(inText({ plugins: [{ type: "multus-shim", retryDeleteOnError: true }] }), [true])
    assert.deepStrictEqual(inText({ type: "bridge" }), [])
  })
  it("counts the addresses of host-local's ranges as it gives them", () => {
    const size = (ipam: object) =>
      Leases.asked(JSON.stringify({ name: "n", ipam: { type: "host-local", ...ipam } }))?.size
    assert.strictEqual(size({ ranges: [[{ subnet: "10.1.0.0/24" }]] }), 253)
    assert.strictEqual(size({ subnet: "10.1.0.0/30", gateway: "10.1.0.2" }), 1)
    assert.strictEqual(
      size({ ranges: [[{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.10", rangeEnd: "10.1.0.19" }]] }),
      10
    )
    assert.isUndefined(size({ ranges: [[{ subnet: "fd00::/64" }]] }))
    assert.isUndefined(Leases.asked(JSON.stringify({ name: "n", ipam: { type: "whereabouts" } })))
  })
  it("with a token that ends soon, or has ended", () => {
    const common = { file: "/k", now: 0, read: undefined, pod: undefined, write: undefined, problem: undefined }
    const of = (at: number) => ids(Account.judge({ ...common, expiries: [{ what: "the token", at }] }))
    assert.deepStrictEqual([of(0), of(60_000), of(7_200_000)], [["credentials-expired"], ["credentials-expire"], []])
  })
  it("reads the interface names of both forms of the annotation", () => {
    assert.lengthOf(twice("a@net1, ns/b@net1, c"), 1)
    assert.lengthOf(twice('[{"name":"a","interface":"net1"},{"name":"b","interface":"net1"}]'), 1)
    assert.lengthOf(twice("a@net1, b@net2, c, d"), 0)
  })
})

describe("a process in a sandbox", () => {
  it("is its user and groups, and none when it only keeps the sandbox", () => {
    const status = (name: string) => `Name:\t${name}\nUid:\t0\t1000\t0\t0\nGid:\t5\t6\t5\t5\nGroups:\t7 8 \n`
    assert.deepStrictEqual(userIn(status("testpmd")), { uid: 1000, gids: [6, 7, 8] })
    assert.isUndefined(userIn(status("pause")))
  })
  it("has hugepages where they are mounted", () =>
    assert.deepStrictEqual(
      hugetlbfsIn("nodev /dev/hugepages hugetlbfs rw,relatime,pagesize=1024M 0 0\nproc /proc proc rw"),
      ["1024M"]
    ))
})

describe("the table of findings", () => {
  it("quotes in a command what others have named", () => {
    const [finding] = found("socket", "socket-stale", "x", { path: "/run/a; reboot" }).findings
    assert.strictEqual(finding?.command, "rm '/run/a; reboot'")
  })

  it("has no identifier that nothing finds, and each in kebab-case", () => {
    const room = join(import.meta.dirname, "../../../src/attachment/doctor")
    const code = readdirSync(room, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.startsWith("findings/"))
      .map((name) => readFileSync(join(room, name), "utf8"))
      .join("")
    assert.deepStrictEqual(
      Object.keys(findings).filter((id) => !code.includes(`"${id}"`) || !/^[a-z]+(-[a-z]+)*$/.test(id)),
      []
    )
  })
})
