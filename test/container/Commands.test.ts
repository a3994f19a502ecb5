/** `userspace container ...` as a person types it, on directories as in a pod: output, errors, exit. */
import { existsSync, linkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { TestVpp } from "../vpp/support/TestVpp.ts"
import { run } from "./support/Command.ts"
import { configurationData, element, listening, type Pod, pod } from "./support/Pod.ts"

const bySwitch = (name: string) => element(name, { vhost: { mode: "client", socketfile: `${name}.sock` } })

const memif = (name: string, more: object = {}) =>
  element(name, { iftype: "memif", memif: { role: "slave", socketfile: "m.sock", ...more } })

const two = ({ annotate }: Pod) => annotate(configurationData(element("net1"), bySwitch("net2")))

const Shown = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      interfaces: Schema.Array(
        Schema.Struct({
          name: Schema.String,
          kind: Schema.String,
          socket: Schema.String,
          socketMadeBy: Schema.String,
          there: Schema.Boolean,
          ready: Schema.Boolean,
          advice: Schema.String
        })
      ),
      problems: Schema.Array(Schema.String)
    })
  )
)

describe("container show", () => {
  it.effect("is a table of who creates which socket, and what to do", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const ipResult = {
        ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }, { address: "fd00::2/64" }],
        routes: [{ dst: "0.0.0.0/0" }, { dst: "10.9.0.0/16", gw: "10.0.0.9" }]
      }
      there.annotate(configurationData(element("net1", { mtu: 1450 }, { ipResult }), bySwitch("net2")))
      const { failed, out } = yield* run(["show", ...there.flags])
      assert.isFalse(failed)
      assert.strictEqual(
        out,
        [
          "INTERFACE  NETWORK  KIND        ROLE    SOCKET MADE BY  THERE  ADDRESS      GATEWAY   MTU   MAC",
          "net1       ovs      vhost-user  server  application     no     10.0.0.2/24  10.0.0.1  1450  02:00:00:00:00:01",
          "  also fd00::2/64",
          "  route 0.0.0.0/0",
          "  route 10.9.0.0/16 via 10.0.0.9",
          `  ${there.directory}/9c1f0b7a2d3e-net1`,
          "  start the application as vhost-user server: it creates the socket, and the switch connects",
          "net2       ovs      vhost-user  client  switch          no     -            -         -     02:00:00:00:00:01",
          `  ${there.directory}/net2.sock`,
          "  the switch has not created it, or it was removed: check the plugin's log and the switch on the " +
            `node, and that the plugin's shared directory is mounted at ${there.directory}`
        ].join("\n")
      )
    })
  )

  it.effect("is JSON for programs, without secrets", () =>
    Effect.gen(function* () {
      const there = yield* pod
      there.annotate(configurationData(element("net1"), memif("net2", { secret: "hush" })))
      there.put("configData-bad.json", "{")
      const { err, out } = yield* run(["show", "--json", ...there.flags])
      const { interfaces, problems } = Shown(out)
      assert.deepStrictEqual(
        interfaces.map(({ kind, name, ready, socketMadeBy }) => [name, kind, socketMadeBy, ready]),
        [
          ["net1", "vhost-user", "application", true],
          ["net2", "memif", "switch", false]
        ]
      )
      assert.strictEqual(problems.length, 1)
      assert.notInclude(out + err, "hush")
    })
  )

  it.effect("takes paths from the environment, and flags first", () =>
    Effect.gen(function* () {
      const there = yield* pod
      two(there)
      const { annotations } = there.places
      const variables = { USERSPACE_ANNOTATIONS: annotations, USERSPACE_DIR: "/elsewhere" }
      assert.include((yield* run(["show"], variables)).out, "/elsewhere/net2.sock")
      assert.include((yield* run(["show", "--dir", "/here"], variables)).out, "/here/net2.sock")
    })
  )

  it.effect("reads a file of device information", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const device = {
        type: "memif",
        version: "1.1.0",
        memif: { role: "slave", path: "/run/m.sock", mode: "ethernet" }
      }
      writeFileSync(`${there.root}/device.json`, JSON.stringify(device))
      const { out } = yield* run(["show", ...there.flags, "--device-info", `net7=${there.root}/device.json`])
      assert.include(out, "net7")
      assert.include(out, "/run/m.sock")
    })
  )

  it.effect("fails in three parts when there is nothing, or not the requested interface", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const nothing = yield* run(["show", ...there.flags])
      assert.isTrue(nothing.failed)
      assert.strictEqual(nothing.out, "")
      assert.include(nothing.err, "no interface of this plugin was found")
      assert.include(nothing.err, there.places.annotations)
      assert.include(nothing.err, "--annotations")
      two(there)
      const wrong = yield* run(["show", ...there.flags, "--interfaces", "net1,net9"])
      assert.isTrue(wrong.failed)
      assert.include(wrong.err, "no configuration of net9")
      assert.include(wrong.err, "Only net1, net2 can be found here")
      const mistaken = yield* run(["show", "--container-id", "zzz", ...there.flags])
      assert.isTrue(mistaken.failed)
      assert.include(mistaken.err, "nothing belongs to container zzz (--container-id), only to 9c1f0b7a2d3e")
    })
  )
})

describe("container dpdk and testpmd", () => {
  it.effect("print one line for a command line, and nothing else on stdout", () =>
    Effect.gen(function* () {
      const there = yield* pod
      two(there)
      there.put("configData-bad.json", "{")
      const vdevs =
        `--vdev=net_virtio_user0,path=${there.directory}/9c1f0b7a2d3e-net1,mac=02:00:00:00:00:01,server=1 ` +
        `--vdev=net_virtio_user1,path=${there.directory}/net2.sock,mac=02:00:00:00:00:01`
      const dpdk = yield* run(["dpdk", ...there.flags])
      assert.strictEqual(dpdk.out, vdevs)
      assert.include(dpdk.err, "configData-bad.json")
      assert.strictEqual((yield* run(["testpmd", ...there.flags])).out, `--no-pci --single-file-segments ${vdevs}`)
      assert.strictEqual((yield* run(["testpmd", "--no-huge", ...there.flags])).out, `--no-pci --no-huge ${vdevs}`)
      assert.strictEqual(
        (yield* run(["dpdk", "--json", "--interfaces", "net2", ...there.flags])).out,
        JSON.stringify([`--vdev=net_virtio_user0,path=${there.directory}/net2.sock,mac=02:00:00:00:00:01`])
      )
    })
  )

  it.effect("print a secret only on request", () =>
    Effect.gen(function* () {
      const there = yield* pod
      there.annotate(configurationData(memif("net1", { secret: "hush" })))
      const refused = yield* run(["dpdk", ...there.flags])
      assert.isTrue(refused.failed)
      assert.strictEqual(refused.out, "")
      assert.include(refused.err, "--with-secrets")
      assert.notInclude(refused.err, "hush")
      assert.include((yield* run(["dpdk", "--with-secrets", ...there.flags])).out, "secret=hush")
    })
  )

  it.live("remove what a killed application left, and nothing else", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const left = `${there.directory}/9c1f0b7a2d3e-net1`
      const used = `${there.directory}/9c1f0b7a2d3e-net3`
      const ofSwitch = `${there.directory}/net2.sock`
      there.annotate(configurationData(element("net1"), bySwitch("net2"), element("net3")))
      yield* listening(`${there.directory}/other`)
      yield* listening(used)
      linkSync(`${there.directory}/other`, left)
      linkSync(`${there.directory}/other`, ofSwitch)
      yield* run(["dpdk", ...there.flags])
      assert.isTrue(existsSync(left))
      const { err, failed } = yield* run(["dpdk", "--remove-stale", ...there.flags])
      assert.isFalse(failed)
      assert.deepStrictEqual([left, used, ofSwitch].map(existsSync), [false, true, true])
      assert.include(err, `Removed ${left}`)
    })
  )
})

describe("container wait", () => {
  it.live("succeeds when the interfaces are there", () =>
    Effect.gen(function* () {
      const there = yield* pod
      two(there)
      yield* listening(`${there.directory}/net2.sock`)
      const { failed, out } = yield* run(["wait", "--interfaces", "net1, net2", "--timeout", "20s", ...there.flags])
      assert.isFalse(failed)
      assert.strictEqual(out, "Ready: net1, net2")
    })
  )

  it.live("fails in three parts at its deadline", () =>
    Effect.gen(function* () {
      const there = yield* pod
      two(there)
      const { err, failed, out } = yield* run(["wait", "--count", "3", "--timeout", "10ms", ...there.flags])
      assert.isTrue(failed)
      assert.strictEqual(out, "")
      assert.include(err, "within 10ms")
      assert.include(err, "1 of 3 interfaces are ready")
      assert.include(err, "net2.sock")
      assert.include(err, "userspace list")
    })
  )

  for (const args of [
    ["--timeout", "soon"],
    ["--count", "0"],
    ["--count", "x"]
  ]) {
    it.effect(`refuses ${args.join(" ")}`, () =>
      Effect.gen(function* () {
        const { err, failed } = yield* run(["wait", ...args])
        assert.isTrue(failed)
        assert.include(err, `Invalid value for flag ${args[0]}`)
      })
    )
  }
})

describe("container vpp", () => {
  it.live("reports for each interface what it did, for people and for programs", () =>
    Effect.gen(function* () {
      const there = yield* pod
      const { path } = yield* TestVpp
      const ipResult = { ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }], routes: [{ dst: "0.0.0.0/0" }] }
      const config = { iftype: "memif", memif: { role: "slave", socketfile: "m.sock", secret: "hush" } }
      there.annotate(configurationData(element("net1", config, { ipResult })))
      const args = ["vpp", ...there.flags, "--socket", path]
      const { failed, out } = yield* run(args)
      assert.isFalse(failed)
      assert.match(out, /^net1: memif\d+\/0 made, up, 10\.0\.0\.2\/24$/)
      const json = yield* run([...args, "--json"], { USERSPACE_VPP_SOCKET: "/absent" })
      assert.match(json.out, /^\[{"name":"net1","index":\d+,"vppName":"memif\d+\/0","was":"kept",/)
      assert.notInclude(out + json.out, "hush")
    }).pipe(Effect.provide(TestVpp.layer()))
  )

  it.effect("prints the section of startup.conf for vhost-user, without a VPP", () =>
    Effect.gen(function* () {
      const there = yield* pod
      there.annotate(configurationData(element("net1"), memif("net2"), bySwitch("net3")))
      const { out } = yield* run(["vpp", "--startup-conf", ...there.flags])
      assert.strictEqual(
        out,
        [
          "dpdk {",
          "  no-pci",
          `  vdev net_virtio_user0,path=${there.directory}/9c1f0b7a2d3e-net1,mac=02:00:00:00:00:01,server=1`,
          `  vdev net_virtio_user1,path=${there.directory}/net3.sock,mac=02:00:00:00:00:01`,
          "}"
        ].join("\n")
      )
    })
  )

  it.live("fails in three parts when there is no VPP", () =>
    Effect.gen(function* () {
      const there = yield* pod
      two(there)
      const socket = `${there.root}/api.sock`
      const { err, failed } = yield* run(["vpp", ...there.flags, "--timeout", "1ms"], { USERSPACE_VPP_SOCKET: socket })
      assert.isTrue(failed)
      assert.include(err, "cannot connect to the VPP in this container")
      assert.include(err, `${socket}: cannot connect: ENOENT`)
      assert.include(err, "--socket")
    })
  )
})
