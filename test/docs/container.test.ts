/** docs/container.md: which changes replace an interface, and which do not. */
import { assert, it } from "@effect/vitest"
import { Redacted } from "effect"
import type { MemifInterface } from "../../src/container/read/Interface.ts"
import { nameIn, tagOf } from "../../src/container/vpp/Link.ts"
import { read } from "./support/Markdown.ts"

const one: MemifInterface = {
  name: "net1",
  network: "n",
  containerId: "c1",
  socket: "/run/shared/memif.sock",
  mac: "02:00:00:00:00:01",
  mtu: undefined,
  addresses: [],
  routes: [],
  kind: "memif",
  role: "slave",
  mode: "ethernet",
  abstract: false,
  rxQueues: 1,
  txQueues: 1,
  ringSize: 1024,
  bufferSize: 2048,
  secret: Redacted.make("old")
}

const tag = (more: Partial<MemifInterface> = {}) => tagOf({ ...one, ...more })

it("an interface is recreated for every changed attribute except its secret", () => {
  assert.include(read("docs/container.md"), "nothing but the secret has changed stays, with the old secret")
  assert.strictEqual(tag({ secret: Redacted.make("new") }), tag())
  assert.strictEqual(tag({ secret: undefined }), tag())
  const others: ReadonlyArray<Partial<MemifInterface>> = [
    { socket: "/run/shared/other.sock" },
    { mac: "02:00:00:00:00:02" },
    { role: "master" },
    { mode: "ip" },
    { abstract: true },
    { rxQueues: 2 },
    { txQueues: 2 },
    { ringSize: 512 },
    { bufferSize: 4096 }
  ]
  for (const other of others) assert.notStrictEqual(tag(other), tag(), JSON.stringify(other))
  // What can be changed in place is changed.
  assert.strictEqual(tag({ mtu: 1400, addresses: [{ address: "10.0.0.2/24", gateway: undefined }] }), tag())
  assert.strictEqual(nameIn(tag()), "net1")
})
