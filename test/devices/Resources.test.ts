/** The file of resources: what the example says, and what is refused. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { load } from "js-yaml"
import { idsOf, readResources } from "../../src/devices/Resources.ts"
import { resourceOf } from "../../src/identity/Device.ts"
import { accept } from "../docs/support/Accept.ts"

const read = (value: unknown) => readResources(JSON.stringify(value), { OVS_RUNDIR: "/run/ovs" })

describe("the file of resources", () => {
  it("gives each resource its switch, devices and access", () => {
    const { registry, resources } = Result.getOrThrow(
      readResources(readFileSync("examples/devices/resources.json", "utf8"), {})
    )
    assert.strictEqual(registry, "/var/lib/kubelet/plugins_registry")
    assert.deepStrictEqual(resources, [
      {
        name: "br-dpdk",
        at: { engine: "ovs-dpdk", control: "/var/run/openvswitch/db.sock" },
        count: 64,
        numaNode: undefined,
        access: { uid: 0, gid: 107, mode: 0o770 }
      },
      {
        name: "vpp",
        at: { engine: "vpp", control: "/run/vpp/api.sock" },
        count: 32,
        numaNode: 0,
        access: { uid: 0, gid: 0, mode: 0o777 }
      }
    ])
    for (const resource of resources)
      for (const id of idsOf(resource)) assert.strictEqual(resourceOf(id), resource.name)
  })

  const one = { name: "a", engine: "vpp", count: 1 }
  const refused: ReadonlyArray<readonly [what: string, value: unknown, words: RegExp]> = [
    ["no JSON object", [], /^Expected object/],
    ["a key that is not known", { resources: [{ ...one, cuont: 2 }] }, /cuont/],
    ["a name with capitals", { resources: [{ ...one, name: "Br" }] }, /lower-case/],
    ["a name that is too long for a socket's path", { resources: [{ ...one, name: "a".repeat(41) }] }, /at most 40/],
    ["no device", { resources: [{ ...one, count: 0 }] }, /1 to 1024/],
    ["another switch", { resources: [{ ...one, engine: "linux" }] }, /ovs-dpdk/],
    ["a mode that is none", { resources: [{ ...one, mode: "rwx" }] }, /0770/],
    ["one name twice", { resources: [one, one] }, /two resources have the name a/],
    ["a directory that is no path", { kubeletDir: "kubelet", resources: [one] }, /absolute path/]
  ]
  it.each(refused)("refuses %s", (_, value, words) => {
    assert.match(
      Result.getOrElse(Result.flip(read(value)), () => ""),
      words
    )
  })

  it("the network of the example is accepted", () => {
    const { metadata, spec } = Object(load(readFileSync("examples/devices/network.yaml", "utf8")))
    const { netConf } = Result.getOrThrow(accept(JSON.parse(spec.config)))
    assert.strictEqual(netConf.resourceName, metadata.annotations["k8s.v1.cni.cncf.io/resourceName"])
  })
})
