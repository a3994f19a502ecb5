/** What kubelet remembers of devices: directories that are gone when the agent starts are made again, and no other ones. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Result } from "effect"
import { readCheckpoint, remakeDirectories } from "../../src/devices/Checkpoint.ts"
import { DeviceDirectories } from "../../src/devices/DeviceDirectories.ts"
import { ContainerAllocated } from "../../src/devices/KubeletApi.ts"
import { encode } from "../../src/grpc/Protobuf.ts"
import { linkOf } from "../../src/identity/Device.ts"
import { Files } from "../../src/platform/Files.ts"

const containerPath = "/var/run/userspace/br-dpdk"

/** Kubelet's file with one container that has br-dpdk-3 and br-dpdk-4. */
const checkpointOf = (hostPath: string, ResourceName = "userspace-cni/br-dpdk") => {
  const answer = encode(ContainerAllocated, { mounts: [{ containerPath, hostPath, readOnly: false }] })
  const DeviceIDs = { "0": ["br-dpdk-3"], "1": ["br-dpdk-4"] }
  const entry = { PodUID: "u", ContainerName: "app", ResourceName, DeviceIDs, AllocResp: answer.toString("base64") }
  return JSON.stringify({ Data: { PodDeviceEntries: [entry], RegisteredDevices: {} }, Checksum: 1 })
}

const node = Effect.gen(function* () {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "checkpoint-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const checkpoint = join(root, "kubelet_internal_checkpoint")
  const stateDir = join(root, "state")
  const access = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mode: 0o770 }
  const at = { engine: "ovs-dpdk", control: "/run/ovs/db.sock" } as const
  const logged: Array<string> = []
  const logger = Logger.make(({ message }) => logged.push(String(message)))
  const layer = DeviceDirectories.layer(stateDir).pipe(
    Layer.provideMerge(Files.layer),
    Layer.merge(Logger.layer([logger]))
  )
  const started = remakeDirectories({
    registry: root,
    checkpoint,
    resources: [{ name: "br-dpdk", at, count: 8, numaNode: undefined, access }]
  }).pipe(Effect.provide(layer))
  const directory = join(stateDir, "devices", "br-dpdk-3.k2")
  return {
    stateDir,
    directory,
    access,
    layer,
    logged,
    started,
    write: (text: string) => writeFileSync(checkpoint, text),
    leadsTo: (device: string) => readlinkSync(linkOf(stateDir, device))
  }
})

describe("kubelet's checkpoint", () => {
  it("of a real kubelet is read", () => {
    const text = readFileSync(join(import.meta.dirname, "support/kubelet-checkpoint.json"), "utf8")
    const all = Result.getOrThrow(readCheckpoint(text))
    assert.deepStrictEqual(
      all.map(({ devices, mounts, resourceName }) => [resourceName, devices, mounts[0]?.hostPath]),
      [
        ["userspace-cni/br-dpdk", ["br-dpdk-3", "br-dpdk-4"], "/var/lib/cni/usrspcni/devices/br-dpdk-3.mx7u6m5n"],
        ["userspace-cni/br-dpdk", ["br-dpdk-5"], "/var/lib/cni/usrspcni/devices/br-dpdk-5.mx7ucyih"],
        ["userspace-cni/other", ["other-0"], "/var/lib/cni/usrspcni/devices/other-0.mx7ucyin"]
      ]
    )
  })

  it.effect("has the directories that are made again when they are gone", () =>
    Effect.gen(function* () {
      const { directory, leadsTo, logged, started, write } = yield* node
      write(checkpointOf(directory))
      yield* started
      assert.strictEqual(statSync(directory).mode & 0o7777, 0o770)
      assert.deepStrictEqual(["br-dpdk-3", "br-dpdk-4"].map(leadsTo), ["br-dpdk-3.k2", "br-dpdk-3.k2"])
      assert.include(logged.join(), "created again")
      logged.length = 0
      yield* started
      assert.deepStrictEqual(logged, [])
    })
  )

  it.effect("does not take a device from the container that has it since", () =>
    Effect.gen(function* () {
      const { access, directory, layer, leadsTo, started, stateDir, write } = yield* node
      const since = join(stateDir, "devices", "br-dpdk-4.k3")
      yield* Effect.flatMap(DeviceDirectories, ({ make }) => make(since, ["br-dpdk-4"], access)).pipe(
        Effect.provide(layer)
      )
      write(checkpointOf(directory))
      yield* started
      assert.deepStrictEqual(["br-dpdk-3", "br-dpdk-4"].map(leadsTo), ["br-dpdk-3.k2", "br-dpdk-4.k3"])
    })
  )

  it.effect("of others, with other paths, or absent, changes nothing", () =>
    Effect.gen(function* () {
      const { directory, logged, started, stateDir, write } = yield* node
      yield* started
      for (const text of [
        checkpointOf(directory, "vendor.example/nic"),
        checkpointOf("/etc/br-dpdk-3.k2"),
        checkpointOf(join(stateDir, "devices", "br-dpdk-3")),
        '{"Data":{"PodDeviceEntries":null,"RegisteredDevices":null},"Checksum":1}'
      ]) {
        write(text)
        yield* started
      }
      assert.isFalse(existsSync(stateDir))
      assert.deepStrictEqual(logged, [])
    })
  )

  it.effect("that cannot be read, or whose directory cannot be made, is reported, and stops nothing", () =>
    Effect.gen(function* () {
      const { directory, logged, started, stateDir, write } = yield* node
      write("{}")
      yield* started
      assert.include(logged.join(), "kubelet_internal_checkpoint")
      mkdirSync(stateDir)
      // Nothing can be made below a file.
      writeFileSync(join(stateDir, "devices"), "")
      write(checkpointOf(directory))
      yield* started
      assert.lengthOf(logged, 2)
    })
  )
})
