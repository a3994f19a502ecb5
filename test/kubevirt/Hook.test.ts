/** The sidecar and virt-launcher: what the domain has afterwards, what stays, and what is refused. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import { serve } from "../../src/kubevirt/Hook.ts"
import { domain, networkInfo, virtualMachine } from "./support/Domains.ts"
import * as Launcher from "./support/Launcher.ts"

/** As kubelet writes it: a link to a link. */
const write = (root: string, text: string) => {
  mkdirSync(join(root, "..1"), { recursive: true })
  writeFileSync(join(root, "..1", "network-info"), text)
  symlinkSync("..1", join(root, "..data"))
  symlinkSync(join("..data", "network-info"), join(root, "network-info"))
}

const sidecar = Effect.fnUntraced(function* (info: string | undefined = JSON.stringify(networkInfo)) {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "hook-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  if (info !== undefined) write(root, info)
  const socket = join(root, "hooks", "userspace.sock")
  const fiber = yield* Effect.forkScoped(
    serve({ socket, binding: "userspace", networkInfo: join(root, "network-info") }).pipe(
      Effect.provide([NodeFileSystem.layer, Logger.layer([])])
    )
  )
  return { root, fiber, ...(yield* Launcher.meet(socket)) }
})

/** The elements between two texts, without spaces between them. */
const between = (text: string, from: string, to: string) =>
  (text.split(from)[1]?.split(to)[0] ?? "").replace(/>\s+</g, "><").trim()

describe("the sidecar of a virtual machine", () => {
  it.live("says what it hooks", () =>
    Effect.gen(function* () {
      const { hooks } = yield* sidecar()
      assert.deepStrictEqual(
        hooks.hookPoints.map(({ name }) => name),
        ["OnDefineDomain", "Shutdown"]
      )
      assert.deepStrictEqual(hooks.versions, ["v1alpha3"])
    })
  )

  it.live("adds its interfaces after the others, shares the memory, and leaves all else as it was", () =>
    Effect.gen(function* () {
      const { defineTwice } = yield* sidecar()
      const [once, again] = yield* defineTwice(domain, virtualMachine())
      assert.strictEqual(again, once)
      assert.include(
        once,
        '<interface type="vhostuser"><mac address="02:00:00:00:00:08"/><source type="unix" path="/var/run/userspace/br-dpdk/pod1a2b3c" mode="server"/><model type="virtio-non-transitional"/><alias name="ua-left"/></interface>'
      )
      assert.include(
        once,
        '<interface type="vhostuser"><mac address="02:00:00:00:00:09"/><source type="unix" path="/var/run/userspace/br-dpdk/pod4d5e6f" mode="client"><reconnect enabled="yes" timeout="1"/></source><model type="virtio-non-transitional"/><alias name="ua-right"/></interface>'
      )
      assert.isTrue(
        once.indexOf("ua-default") < once.indexOf("ua-left") && once.indexOf("ua-left") < once.indexOf("ua-right")
      )
      assert.include(between(once, "<memoryBacking>", "</memoryBacking>"), '<access mode="shared"/>')
      const frontend = '<qemu:property name="host_mtu" type="unsigned" value="9000"/>'
      assert.include(once, `<qemu:device alias="ua-left"><qemu:frontend>${frontend}</qemu:frontend></qemu:device>`)
      const without = once
        .replace(/<qemu:override>.*<\/qemu:override>/s, "")
        .replace(/<interface type="vhostuser">.*?<\/interface>/gs, "")
        .replace('<access mode="shared"/>', "")
      const canonical = (text: string) => text.replace(/<([\w:]+)([^<>/]*)><\/\1>/g, "<$1$2/>").trim()
      assert.strictEqual(canonical(without), canonical(domain))
    })
  )

  it.live("leaves a domain that has its interfaces as it is", () =>
    Effect.gen(function* () {
      const { define } = yield* sidecar()
      const once = yield* define(domain, virtualMachine())
      assert.strictEqual(yield* define(once, virtualMachine()), once)
    })
  )

  it.live("gives as many pairs of queues as the machine has CPUs, if it wants several", () =>
    Effect.gen(function* () {
      const { define } = yield* sidecar()
      const many = yield* define(domain, virtualMachine({ networkInterfaceMultiqueue: true }))
      assert.strictEqual(many.split('<driver name="vhost" queues="2"/>').length, 3)
    })
  )

  it.live("waits for the annotation, which kubelet writes late", () =>
    Effect.gen(function* () {
      const { define, root } = yield* sidecar("")
      const fiber = yield* Effect.forkScoped(define(domain, virtualMachine()))
      writeFileSync(join(root, "..1", "network-info"), JSON.stringify(networkInfo))
      assert.include(yield* Fiber.join(fiber), "ua-left")
    })
  )

  it.live("ends with the virtual machine", () =>
    Effect.gen(function* () {
      const { fiber, shutdown } = yield* sidecar()
      yield* shutdown
      yield* Fiber.join(fiber)
    })
  )

  const noSocket = JSON.stringify({ interfaces: [{ network: "left" }] })
  const refused: ReadonlyArray<readonly [what: string, domain: string, info: string | undefined, words: RegExp]> = [
    ["a machine without hugepages", domain.replace(/<hugepages>.*<\/hugepages>/, ""), undefined, /hugepages\.pageSize/],
    ["a network without a device", domain, noSocket, /network left has no vhost-user socket.*resourceName/],
    ["an annotation that is not JSON", domain, "{", /network-info cannot be used/],
    ["a domain that is not XML", "<domain>", undefined, /not XML/],
    [
      "a domain with an entity that it does not declare",
      "<domain><devices>&x;</devices></domain>",
      undefined,
      /not XML/
    ]
  ]
  it.live.each(refused)("refuses %s, with what to do", ([, xml, info, words]) =>
    Effect.gen(function* () {
      const { define } = yield* sidecar(info)
      assert.match((yield* Effect.flip(define(xml, virtualMachine()))).message, words)
    })
  )
})
