/** Input of real runtimes (`fixtures/README.md`), with our configuration in place of the recorder's. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { type AnyAsked, readRequest } from "../../src/cni/Request.ts"
import { attachmentOf } from "../../src/identity/Attachment.ts"
import { ovs, reading } from "./support/Reading.ts"

const Call = Schema.fromJsonString(
  Schema.Struct({ environment: Schema.Record(Schema.String, Schema.String), stdin: Schema.String })
)

const recorded = (name: string) =>
  Schema.decodeUnknownSync(Call)(readFileSync(join(import.meta.dirname, `fixtures/${name}.json`), "utf8"))

const Conf = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))

/** The recorded call, for a network of ours. */
const asked = (name: string): AnyAsked => {
  const { environment, stdin } = recorded(name)
  const conf = { ...Schema.decodeUnknownSync(Conf)(stdin), type: "userspace", host: ovs }
  const text = JSON.stringify(conf)
  assert.ok(Result.isSuccess(reading(text, { args: environment["CNI_ARGS"] ?? "" })))
  return Result.getOrThrow(readRequest({ ...environment, CNI_COMMAND: environment["CNI_COMMAND"] ?? "" }, text).asked)
}

const calls = ["containerd-add", "containerd-del-1", "containerd-del-2", "containerd-del-3", "ctr-add", "ctr-del"]
const tools = ["cnitool-add", "cnitool-check"]

describe.each([...calls, ...tools])("%s", (name) => {
  it("is parsed completely", () => {
    const { environment, envelope, verb } = asked(name)
    const { environment: variables } = recorded(name)
    assert.strictEqual(verb, variables["CNI_COMMAND"])
    assert.strictEqual(envelope.version, "1.0.0")
    const { containerId, ifName, netns, network } = attachmentOf(envelope.name, environment)
    assert.deepStrictEqual(
      { containerId, ifName, netns, network },
      {
        containerId: variables["CNI_CONTAINERID"],
        ifName: "eth0",
        netns: variables["CNI_NETNS"],
        network: "recnet"
      }
    )
    assert.deepStrictEqual(environment.path, (variables["CNI_PATH"] ?? "").split(":"))
  })
})

it("containerd names the pod, in any order of CNI_ARGS", () => {
  for (const name of ["containerd-add", "containerd-del-1", "containerd-del-2", "containerd-del-3"]) {
    const { environment, envelope } = asked(name)
    const pod = { namespace: "ns1", name: "pod1", uid: "uid-1" }
    assert.deepStrictEqual(attachmentOf(envelope.name, environment).pod, pod)
  }
  const { environment, envelope } = asked("ctr-add")
  assert.isUndefined(attachmentOf(envelope.name, environment).pod)
})

it("prevResult comes with CHECK, and with a DEL while the sandbox exists", () => {
  const previous = (sandbox: string) => ({
    interfaces: [{ name: "eth0", mac: "02:00:00:00:00:01", sandbox }],
    ips: [{ address: "10.9.0.2/24", gateway: "10.9.0.1", interface: 0 }],
    routes: [],
    dns: {}
  })
  assert.deepStrictEqual(asked("cnitool-check").previous, previous("/var/run/netns/rctest"))
  assert.deepStrictEqual(asked("ctr-del").previous, previous("/proc/28459/ns/net"))
  assert.isDefined(asked("containerd-del-1").previous)
  for (const name of ["containerd-add", "containerd-del-2", "containerd-del-3", "cnitool-add", "ctr-add"]) {
    assert.isUndefined(asked(name).previous)
  }
})

it("the network namespace is gone at containerd's second DEL, and in ctr's", () => {
  for (const name of ["containerd-del-2", "containerd-del-3", "ctr-del"]) {
    assert.strictEqual(asked(name).environment.netns, "")
  }
})
