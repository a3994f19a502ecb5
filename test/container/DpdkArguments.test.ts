/** The words of a DPDK command line. End-to-end tests show that DPDK accepts them. */
import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result, Schema } from "effect"
import { testpmdArguments, vdevArguments } from "../../src/container/DpdkArguments.ts"
import type { MemifInterface, VhostUserInterface } from "../../src/container/read/Interface.ts"

const common = {
  name: "net1",
  network: "net",
  containerId: "c",
  mac: "02:00:00:00:00:01",
  mtu: undefined,
  addresses: [],
  routes: []
}
const vhost: VhostUserInterface = {
  ...common,
  kind: "vhost-user",
  mode: "server",
  socket: "/s/a",
  queues: undefined,
  packed: false
}
const memif: MemifInterface = {
  ...common,
  kind: "memif",
  role: "slave",
  mode: "ethernet",
  abstract: false,
  socket: "/s/m.sock",
  rxQueues: 2,
  txQueues: 2,
  ringSize: undefined,
  bufferSize: undefined,
  secret: undefined
}

const refused = { secrets: "refused" } as const
const given = { secrets: "on the command line" } as const

describe("arguments", () => {
  it("of vhost-user: who creates the socket, queues, packed", () => {
    const all = vdevArguments(
      [vhost, { ...vhost, mode: "client", queues: 4, packed: true, mac: undefined, socket: "/s/b" }],
      refused
    )
    assert.deepStrictEqual(Result.getOrThrow(all), [
      "--vdev=net_virtio_user0,path=/s/a,mac=02:00:00:00:00:01,server=1",
      "--vdev=net_virtio_user1,path=/s/b,queues=4,packed_vq=1"
    ])
  })

  it("of memif: role in DPDK's words, ring as a power of two, file or abstract", () => {
    const all = vdevArguments(
      [memif, { ...memif, role: "master", abstract: true, socket: "m", ringSize: 512, bufferSize: 4096 }],
      refused
    )
    assert.deepStrictEqual(Result.getOrThrow(all), [
      "--vdev=net_memif0,role=client,id=0,socket=/s/m.sock,socket-abstract=no,mac=02:00:00:00:00:01",
      "--vdev=net_memif1,role=server,id=0,socket=m,socket-abstract=yes,bsize=4096,rsize=9,mac=02:00:00:00:00:01"
    ])
  })

  it("contain a secret only on request", () => {
    const secret = { ...memif, secret: Redacted.make("hush") }
    const error = Result.getOrThrow(Result.flip(vdevArguments([secret], refused)))
    assert.include(error.message, "--with-secrets")
    assert.notInclude(JSON.stringify(error) + error.message, "hush")
    assert.include(Result.getOrThrow(vdevArguments([secret], given)).join(), ",secret=hush")
  })

  it("are refused when DPDK has no such value, or a shell would split them", () => {
    const message = (one: MemifInterface | VhostUserInterface) =>
      Result.getOrThrow(Result.flip(vdevArguments([one], given))).message
    assert.include(message({ ...memif, mode: "ip" }), "only ethernet")
    for (const socket of ["/a b", "/a,b", "/a*", "/a$(x)", "/a'b", "/ä"]) {
      assert.include(message({ ...vhost, socket }), "a DPDK argument cannot contain")
    }
    const text = message({ ...memif, secret: Redacted.make("a b,c") })
    assert.include(text, "its secret has characters")
    assert.notInclude(text, "a b,c")
  })

  it.prop("are one word each for any path", [Schema.String], ([path]) => {
    Result.match(vdevArguments([{ ...vhost, socket: path }], given), {
      onFailure: ({ cure }) => assert.include(cure, "letters"),
      onSuccess: ([word = ""]) =>
        assert.match(word, /^--vdev=net_virtio_user0,path=[^\s,'"$*?[\]`\\;&|<>(){}!#~]+,mac=[^\s,]+,server=1$/)
    })
  })

  it("of testpmd keep it off the node's devices, with hugepages or without", () => {
    assert.deepStrictEqual(testpmdArguments(["--vdev=a"], true), ["--no-pci", "--single-file-segments", "--vdev=a"])
    assert.deepStrictEqual(testpmdArguments(["--vdev=a"], false), ["--no-pci", "--no-huge", "--vdev=a"])
  })
})
