/** The paths of an attachment's files: the original plugin's rules and names, and the limits of socket paths. */
import { assert, describe, it } from "@effect/vitest"
import { ancestors, socketPathsOf } from "../../src/shared-dir/SocketPaths.ts"
import { memif, ovs, portOf, vpp } from "../cni/support/Reading.ts"

const attachment = { network: "net", containerId: "0958c8871b32cafe", ifName: "net1", netns: "/n", pod: undefined }

const place = (host: object, more: Partial<Parameters<typeof socketPathsOf>[0]> = {}) =>
  socketPathsOf({
    attachment,
    handle: "0958c8871b32-net1",
    port: portOf(host),
    sharedDir: "/s",
    stateDir: "/var/lib/cni/usrspcni",
    ...more
  })

describe("the directory", () => {
  it("is the container's below sharedDir, with or without a slash at its end", () => {
    for (const sharedDir of ["/s", "/s/"]) assert.strictEqual(place(ovs, { sharedDir }).directory, "/s/0958c8871b32")
  })

  it("without sharedDir is the original plugin's, for each switch", () => {
    const none = { sharedDir: undefined }
    assert.strictEqual(place(ovs, none).directory, "/usr/local/var/run/openvswitch/0958c8871b32")
    assert.strictEqual(place(vpp, none).directory, "/var/run/vpp/0958c8871b32")
    assert.strictEqual(place(memif, none).directory, "/var/run/vpp/0958c8871b32")
  })

  it("of a container id under 12 characters is the id", () => {
    const short = { ...attachment, containerId: "a" }
    assert.strictEqual(place(ovs, { attachment: short, handle: "a-net1" }).directory, "/s/a")
  })
})

describe("the names", () => {
  it("are the original plugin's", () => {
    assert.strictEqual(place(ovs).socketPath, "/s/0958c8871b32/0958c8871b32-net1")
    assert.strictEqual(place(vpp).socketName, "0958c8871b32-net1")
    assert.strictEqual(place(memif).socketName, "memif-0958c8871b32-net1.sock")
    assert.strictEqual(place(ovs).configPath, "/s/0958c8871b32/configData-0958c8871b32-net1.json")
  })

  it("follow the handle when the ids of two attachments begin alike", () => {
    const { configPath, socketName } = place(ovs, { handle: "0958c8871b32-net1-abcdefgh" })
    assert.strictEqual(socketName, "0958c8871b32-net1-abcdefgh")
    assert.strictEqual(configPath, "/s/0958c8871b32/configData-0958c8871b32-net1-abcdefgh.json")
  })

  it("of the socket is the configured one, if any", () => {
    assert.strictEqual(place({ ...ovs, vhost: { socketfile: "my.sock" } }).socketPath, "/s/0958c8871b32/my.sock")
    const port = { ...memif, memif: { role: "master", socketfile: "my.sock" } }
    assert.strictEqual(place(port).socketPath, "/s/0958c8871b32/my.sock")
  })

  it("carry the group", () => {
    assert.strictEqual(place({ ...ovs, vhost: { group: "107" } }).group, "107")
    assert.isUndefined(place(ovs).group)
  })
})

describe("the switch's path", () => {
  const rest = "/0958c8871b32/0958c8871b32-net1".length
  const base = (bytes: number) => `/${"s".repeat(bytes - rest - 1)}`

  it.each([
    ["Open vSwitch", ovs, 107],
    ["VPP", vpp, 106]
  ] as const)("on %s is the real one up to its limit, and then goes through a link", (_, host, limit) => {
    const fits = place(host, { sharedDir: base(limit) })
    assert.strictEqual(Buffer.byteLength(fits.socketPath), limit)
    assert.strictEqual(fits.switchPath, fits.socketPath)
    assert.isUndefined(fits.link)
    const long = place(host, { sharedDir: base(limit + 1) })
    assert.match(long.link ?? "", /^\/var\/lib\/cni\/usrspcni\/links\/[a-z2-7]{20}$/)
    assert.strictEqual(long.switchPath, `${long.link}/0958c8871b32-net1`)
    assert.isAtMost(Buffer.byteLength(long.switchPath), 106)
  })

  it("counts bytes, not characters", () => {
    const sharedDir = `/${"ü".repeat(Math.floor((106 - rest) / 2))}`
    assert.isUndefined(place(ovs, { sharedDir }).link)
    assert.isDefined(place(ovs, { sharedDir: `${sharedDir}ü` }).link)
  })

  it.each(Array.from(" ~+:@,=%\\'ü"))(
    "on VPP goes through a link because of a %j, and on Open vSwitch does not",
    (odd) => {
      const sharedDir = `/a${odd}b`
      for (const host of [vpp, memif]) {
        const { link, socketName, socketPath, switchPath } = place(host, { sharedDir })
        assert.strictEqual(socketPath, `${sharedDir}/0958c8871b32/${socketName}`)
        assert.match(link ?? "", /^\/var\/lib\/cni\/usrspcni\/links\/[a-z2-7]{20}$/)
        assert.strictEqual(switchPath, `${link}/${socketName}`)
      }
      assert.isUndefined(place(ovs, { sharedDir }).link)
    }
  )

  it("on VPP is the real one if VPP accepts its characters", () => {
    const sharedDir = "/azAZ09._-/.a_b-c"
    for (const host of [vpp, memif]) assert.isUndefined(place(host, { sharedDir }).link)
  })

  it("has a link of its own for every attachment", () => {
    const sharedDir = base(200)
    const others = [attachment, { ...attachment, ifName: "net10" }, { ...attachment, network: "other" }]
    const links = others.map((one) => place(ovs, { attachment: one, sharedDir }).link)
    assert.strictEqual(new Set(links).size, 3)
  })
})

it("the ancestors of a path end at the root", () => {
  assert.deepStrictEqual(ancestors("/a/b/c"), ["/a/b/c", "/a/b", "/a", "/"])
  assert.deepStrictEqual(ancestors("/"), ["/"])
})
