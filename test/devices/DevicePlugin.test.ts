/** A device plugin and kubelet: what kubelet may do at any time, and what a container finds in its directory. */
import { existsSync, lstatSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { DeviceDirectories } from "../../src/devices/DeviceDirectories.ts"
import * as DevicePlugin from "../../src/devices/DevicePlugin.ts"
import type { Resource } from "../../src/devices/Resources.ts"
import { linkOf } from "../../src/identity/Device.ts"
import { Files } from "../../src/platform/Files.ts"
import * as Kubelet from "./support/Kubelet.ts"

const resource: Resource = {
  name: "br-dpdk",
  at: { engine: "ovs-dpdk", control: "/var/run/openvswitch/db.sock" },
  count: 4,
  numaNode: 1,
  access: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mode: 0o770 }
}
const name = "userspace-cni/br-dpdk"

const node = Effect.gen(function* () {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "devices-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const registry = join(root, "plugins_registry")
  const stateDir = join(root, "state")
  const listeners = new Set<() => void>()
  const attached = new Set<string>()
  let isUp = true
  const plugin = DevicePlugin.serve({
    resource,
    registry,
    attached: Effect.sync(() => attached),
    health: {
      isUp: () => isUp,
      listen: (changed) => {
        listeners.add(changed)
        return () => listeners.delete(changed)
      }
    }
  }).pipe(
    Effect.provide(DeviceDirectories.layer(stateDir).pipe(Layer.provide(Files.layer), Layer.merge(Logger.layer([]))))
  )
  return {
    registry,
    socket: join(registry, "userspace-cni-br-dpdk.sock"),
    stateDir,
    plugin,
    attached,
    set: (up: boolean) => {
      isUp = up
      for (const changed of listeners) changed()
    }
  }
})

const inScope = <A, E, R>(self: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    return [yield* Scope.provide(self, scope), Scope.close(scope, Exit.void)] as const
  })

const started = Effect.gen(function* () {
  const own = yield* node
  yield* own.plugin
  const kubelet = yield* Kubelet.start(own.registry)
  yield* kubelet.until(() => kubelet.allocatable(name).length === 4)
  return { ...own, kubelet }
})

describe("a device plugin", () => {
  it.live("gives a container one directory for all its devices, at a fixed path", () =>
    Effect.gen(function* () {
      const { kubelet, stateDir } = yield* started
      const { environment, ids, mounts } = yield* kubelet.admit(name, "upf", 2)
      assert.deepStrictEqual(ids.toSorted(), ["br-dpdk-0", "br-dpdk-1"])
      assert.deepStrictEqual(environment, { USERSPACE_DIR: "/var/run/userspace/br-dpdk" })
      assert.deepStrictEqual(
        mounts.map(({ container_path }) => container_path),
        ["/var/run/userspace/br-dpdk"]
      )
      const [{ host_path } = { host_path: "" }] = mounts
      assert.strictEqual(statSync(host_path).mode & 0o7777, 0o770)
      // Whichever device Multus takes first.
      for (const id of ids) assert.strictEqual(join(stateDir, "devices", readlinkSync(linkOf(stateDir, id))), host_path)
      assert.deepStrictEqual(kubelet.numaNodes(name), [1, 1, 1, 1])
    })
  )

  it.live("takes devices that were never given before those that were, and those that an attachment has last", () =>
    Effect.gen(function* () {
      const { attached, kubelet } = yield* started
      yield* kubelet.admit(name, "a", 1)
      yield* kubelet.admit(name, "b", 1)
      yield* kubelet.free(name, "a")
      assert.deepStrictEqual((yield* kubelet.admit(name, "c", 2)).ids.toSorted(), ["br-dpdk-2", "br-dpdk-3"])
      yield* kubelet.free(name, "b")
      yield* kubelet.free(name, "c")
      attached.add("br-dpdk-0")
      assert.deepStrictEqual((yield* kubelet.admit(name, "d", 1)).ids, ["br-dpdk-1"])
    })
  )

  it.live(
    "gives another container another directory, while one that was deleted by force still writes in its own",
    () =>
      Effect.gen(function* () {
        const { kubelet, stateDir } = yield* started
        const all = { first: yield* kubelet.admit(name, "a", 4), other: undefined }
        const path = all.first.mounts[0]?.host_path ?? ""
        writeFileSync(join(path, "net1"), "")
        yield* kubelet.free(name, "a")
        const next = (yield* kubelet.admit(name, "b", 4)).mounts[0]?.host_path ?? ""
        assert.notStrictEqual(next, path)
        assert.isTrue(existsSync(join(path, "net1")))
        rmSync(join(path, "net1"))
        yield* kubelet.free(name, "b")
        yield* kubelet.admit(name, "c", 4)
        assert.isFalse(existsSync(next))
        assert.isTrue(lstatSync(linkOf(stateDir, "br-dpdk-3")).isSymbolicLink())
      })
  )

  it.live("has no healthy device while its switch is away, and all of them again when it is back", () =>
    Effect.gen(function* () {
      const { kubelet, set } = yield* started
      set(false)
      yield* kubelet.until(() => kubelet.allocatable(name).length === 0)
      assert.include(String(yield* Effect.flip(kubelet.admit(name, "a", 1))), "UnexpectedAdmissionError")
      set(true)
      yield* kubelet.until(() => kubelet.allocatable(name).length === 4)
    })
  )

  it.live("is known again after a restart of kubelet, which keeps what it has given", () =>
    Effect.gen(function* () {
      const own = yield* node
      yield* own.plugin
      const checkpoint: Kubelet.Checkpoint = new Map()
      const [before, end] = yield* inScope(Kubelet.start(own.registry, checkpoint))
      yield* before.until(() => before.allocatable(name).length === 4)
      const { ids } = yield* before.admit(name, "a", 3)
      yield* end
      const after = yield* Kubelet.start(own.registry, checkpoint)
      yield* after.until(() => after.allocatable(name).length === 4)
      const rest = (yield* after.admit(name, "b", 1)).ids
      assert.strictEqual(new Set([...ids, ...rest]).size, 4)
    })
  )

  it.live("is known again after its own restart, and after somebody has removed its socket", () =>
    Effect.gen(function* () {
      const own = yield* node
      const [, end] = yield* inScope(own.plugin)
      const kubelet = yield* Kubelet.start(own.registry)
      yield* kubelet.until(() => kubelet.allocatable(name).length === 4)
      const { mounts } = yield* kubelet.admit(name, "a", 1)
      yield* end
      assert.isFalse(existsSync(own.socket))
      yield* kubelet.until(() => kubelet.allocatable(name).length === 0)
      yield* own.plugin
      yield* kubelet.until(() => kubelet.allocatable(name).length === 4)
      // The container that has it goes on.
      assert.isTrue(existsSync(mounts[0]?.host_path ?? ""))
      const { ino } = statSync(own.socket)
      rmSync(own.socket)
      yield* kubelet.until(() => existsSync(own.socket) && statSync(own.socket).ino !== ino)
      yield* kubelet.until(() => kubelet.allocatable(name).length === 4)
    })
  )

  it.live("admits a container whose directory cannot be made yet, and makes it later", () =>
    Effect.gen(function* () {
      const { kubelet, stateDir } = yield* started
      // Nothing can be made below a file.
      writeFileSync(stateDir, "")
      const { ids, mounts } = yield* kubelet.admit(name, "a", 1)
      rmSync(stateDir)
      yield* kubelet.until(() => existsSync(linkOf(stateDir, ids[0] ?? "")) && existsSync(mounts[0]?.host_path ?? ""))
    })
  )
})
