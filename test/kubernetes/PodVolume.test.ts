/** Rule (1): from a pod's volumes and mounts to the directory on the host and in the container. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import { mappedDirOf, volumeOf } from "../../src/container-config/PodContainerConfig.ts"
import { readPod } from "../../src/kubernetes/PodDocument.ts"
import type { Volume } from "../../src/shared-dir/SocketPaths.ts"
import { encode } from "./support/PodStore.ts"
import { podJson, type Shape } from "./support/TestPod.ts"

const uid = "6f0a1b2c-0000-4000-8000-000000000001"

const pod = (shape: Shape) => {
  const json = podJson(shape)
  const metadata = { name: "web", namespace: "tests", uid, resourceVersion: "1" }
  return Option.getOrThrow(readPod(encode({ kind: "Pod", ...json, metadata })))
}

const volume = (source: object) =>
  volumeOf(pod({ volumes: [{ name: "data", hostPath: { path: "/no" } }, source] }), uid)

describe("on the host", () => {
  const emptyDir = `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/shared-dir`
  const good: ReadonlyArray<readonly [string, object, Volume]> = [
    ["emptyDir", { emptyDir: {} }, { directory: emptyDir, maker: "kubelet" }],
    ["emptyDir in memory", { emptyDir: { medium: "Memory" } }, { directory: emptyDir, maker: "kubelet" }],
    ["hostPath", { hostPath: { path: "/run/a" } }, { directory: "/run/a", maker: "runtime" }],
    [
      "hostPath with an empty type",
      { hostPath: { path: "/run//a/", type: "" } },
      { directory: "/run/a", maker: "runtime" }
    ],
    [
      "hostPath that kubelet makes",
      { hostPath: { path: "/run/a", type: "DirectoryOrCreate" } },
      { directory: "/run/a", maker: "kubelet" }
    ],
    [
      "hostPath that is there",
      { hostPath: { path: "/run/a", type: "Directory" } },
      { directory: "/run/a", maker: "kubelet" }
    ]
  ]
  it.each(good)("%s", (_, source, expected) =>
    assert.deepStrictEqual(volume({ name: "shared-dir", ...source }), Result.succeed(expected))
  )

  it("no volume of that name, or no volumes at all", () => {
    assert.deepStrictEqual(volume({ name: "shared", emptyDir: {} }), Result.succeed(undefined))
    assert.deepStrictEqual(volumeOf(pod({ volumes: [] }), uid), Result.succeed(undefined))
  })

  const bad: ReadonlyArray<readonly [string, object, RegExp]> = [
    ["a claim", { persistentVolumeClaim: { claimName: "x" } }, /is a persistentVolumeClaim$/],
    ["a config map", { configMap: { name: "x" } }, /is a configMap$/],
    ["a file on the host", { hostPath: { path: "/run/a", type: "FileOrCreate" } }, /a hostPath of type FileOrCreate$/],
    ["a path that climbs", { hostPath: { path: "/run/../etc" } }, /the hostPath "\/run\/\.\.\/etc"$/],
    ["a relative path", { hostPath: { path: "run" } }, /the hostPath "run"$/]
  ]
  it.each(bad)("%s is refused", (_, source, expected) => {
    const { cure, problem } = Result.getOrThrow(Result.flip(volume({ name: "shared-dir", ...source })))
    assert.match(problem, expected)
    assert.match(cure, /emptyDir/)
  })
})

describe("in the container", () => {
  const mount = (mountPath: string, more = {}) => ({ name: "shared-dir", mountPath, ...more })
  const mapped = (...mounts: ReadonlyArray<object>) => mappedDirOf(pod({ mounts }))

  it("ends with one slash, which readers expect", () => {
    assert.deepStrictEqual(mapped(mount("/run/x")), Result.succeed("/run/x/"))
    assert.deepStrictEqual(mapped(mount("/run/x/")), Result.succeed("/run/x/"))
  })

  it("is the default when no container mounts it", () => {
    assert.deepStrictEqual(mapped(), Result.succeed("/var/lib/cni/usrspcni/"))
    assert.deepStrictEqual(mapped({ name: "data", mountPath: "/data" }), Result.succeed("/var/lib/cni/usrspcni/"))
  })

  it("is a sidecar's when no other container mounts it", () => {
    const beside = (mounts: ReadonlyArray<object>) => mappedDirOf(pod({ mounts, sidecarMounts: [mount("/dpdk")] }))
    assert.deepStrictEqual(beside([]), Result.succeed("/dpdk/"))
    assert.deepStrictEqual(beside([mount("/a", { subPath: "x" })]), Result.succeed("/dpdk/"))
    assert.deepStrictEqual(beside([mount("/a")]), Result.succeed("/a/"))
    const before = mappedDirOf(pod({ mounts: [], sidecarMounts: [mount("/dpdk")], sidecarPolicy: "Never" }))
    assert.deepStrictEqual(before, Result.succeed("/var/lib/cni/usrspcni/"))
  })

  it("is the last container's, as with the original plugin, and never a part of the volume", () => {
    assert.deepStrictEqual(mapped(mount("/a"), mount("/b")), Result.succeed("/b/"))
    assert.deepStrictEqual(mapped(mount("/a"), mount("/b", { subPath: "x" })), Result.succeed("/a/"))
    const { problem } = Result.getOrThrow(
      Result.flip(mapped(mount("/a", { subPath: "x" }), mount("/b", { subPathExpr: "$(X)" })))
    )
    assert.match(problem, /has a subPath/)
  })
})
