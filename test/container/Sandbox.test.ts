/** The sandbox named by a container's mounts, for each runtime. fixtures/README.md describes the recordings. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { assumption, mountedFrom, namedByMounts } from "../../src/container/read/Sandbox.ts"

const recorded = (name: string) => readFileSync(`${import.meta.dirname}/fixtures/mountinfo/${name}.txt`, "utf8")

const id = "4d1e0c5b2a39485766574839201a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c"
const other = "77aa0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccdde"

const line = (root: string, mountPoint: string) =>
  `812 790 0:52 ${root} ${mountPoint} rw,relatime - ext4 /dev/sda1 rw\n`
const cri = `/containerd/io.containerd.grpc.v1.cri/sandboxes/${id}`

describe("the sandbox", () => {
  it("is named by containerd's mounts, as they were recorded", () => {
    const sandbox = "fbb440948d57ccd9365aac9fa27eb51d488f1d22905f4b53314f1b64edaa23c9"
    assert.strictEqual(namedByMounts(recorded("containerd")), sandbox)
  })

  // `/run/.containerenv` is the sandbox's: in the directory of `/etc/hostname`, or in another with a pause process.
  it.each([
    ["", "cri-o", "9171074a401b1146e7fdcf68c5f06886f7a489dde19ade88978bc79e84333507"],
    [", with a pause process", "cri-o-pause", "0578045ad79e131c924815d15085f0e5b568f39deccbde252b9252bef96f930d"]
  ])("is named by CRI-O's mounts, as they were recorded%s", (_, name, sandbox) => {
    assert.strictEqual(namedByMounts(recorded(name)), sandbox)
    const kubelets = line("/var/lib/kubelet/pods/0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d/etc-hosts", "/etc/hosts")
    assert.strictEqual(namedByMounts(recorded(name) + kubelets), sandbox)
  })

  it("is not named by Podman's mounts, as recorded: that id is the container's own", () => {
    assert.include(recorded("podman"), "/userdata/hostname /etc/hostname ")
    assert.isUndefined(namedByMounts(recorded("podman")))
  })

  it.each([
    ["containerd", line(`/var/lib${cri}/hostname`, "/etc/hostname")],
    ["containerd, on a file system of its own", line(`${cri}/resolv.conf`, "/etc/resolv.conf")],
    ["k3s", line(`/var/lib/rancher/k3s/agent${cri}/hostname`, "/etc/hostname")],
    ["CRI-O on btrfs", line(`/containers/storage/btrfs-containers/${id}/userdata/hostname`, "/etc/hostname")]
  ])("is named by the mounts of %s", (_, mountinfo) => assert.strictEqual(namedByMounts(mountinfo), id))

  it.each([
    ["there are none", ""],
    ["they are Docker's", line(`/var/lib/docker/containers/${id}/hostname`, "/etc/hostname")],
    [
      "they are elsewhere: an administrator's container sees those of others",
      line(`${cri}/hostname`, "/host/hostname")
    ],
    [
      "they do not agree",
      line(`${cri}/hostname`, "/etc/hostname") + line(`${cri.replace(id, other)}/resolv.conf`, "/etc/resolv.conf")
    ],
    ["the id is no id", line(`${cri}0/hostname`, "/etc/hostname")]
  ])("is not named when %s", (_, mountinfo) => assert.isUndefined(namedByMounts(mountinfo)))

  it("with another runtime is the candidate that something is mounted from", () => {
    const docker = line(`/var/lib/docker/containers/${id}/hostname`, "/etc/hostname")
    assert.strictEqual(mountedFrom(new Set([id, other]), docker), id)
    assert.isUndefined(mountedFrom(new Set([other]), docker))
    assert.isUndefined(mountedFrom(new Set([id, other]), docker + docker.replaceAll(id, other)))
  })

  it("is reported when it is assumed, and not when it is known", () => {
    assert.include(
      assumption({ id, source: "annotation" }) ?? "",
      "assuming the newest one in the annotations, 4d1e0c5b2a39"
    )
    assert.include(assumption({ id: undefined, source: "nothing" }) ?? "", "assuming that the configuration")
    for (const source of ["asked", "mounts"] as const) assert.isUndefined(assumption({ id, source }))
  })
})
