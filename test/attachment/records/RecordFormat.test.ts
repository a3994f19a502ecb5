/**
 * Releases older and newer than the writer read records. The goldens in `fixtures/` have the format of its first
 * release: they are added to, never changed.
 */
import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { callOfRecord } from "../../../src/attachment/Recorded.ts"
import { Record } from "../../../src/attachment/records/Record.ts"
import { ErrorCodes } from "../../../src/cni/types/CniError.ts"
import { network, networks } from "../support/Networks.ts"
import { failed, stateDir, World } from "../support/World.ts"

const golden = (name: string): string => Fs.readFileSync(join(import.meta.dirname, "../fixtures", name), "utf8")
const goldens = ["record-1-ovs.json", "record-1-vpp.json"]

const Json = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))
const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Record))

const path = `${stateDir}/attachments/0958c8871b32-net1.json`
const asked = {
  conf: networks["server mode, a long directory, device information"].conf,
  args: "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=1b4c7a60-3a3c-4f06-9b7e-2f0f3f6a8d11"
}

describe("format 1", () => {
  it.effect("is what today's ADD writes", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add(asked)
      const { invocation = null, since = null } = Json(golden("record-1-ovs.json"))
      const { invocation: _i, since: _s, ...written } = Json(world.files.get(path)?.content)
      assert.deepStrictEqual({ ...written, invocation, since }, Json(golden("record-1-ovs.json")))
    })
  )

  it.each(goldens)("%s is read whole, and becomes a call", (name) => {
    const record = Result.getOrThrow(decode(golden(name)))
    assert.deepStrictEqual<unknown>(record, Json(golden(name)))
    const { attachment, configuration } = Result.getOrThrow(callOfRecord(record, {}))
    assert.strictEqual(attachment.containerId, "0958c8871b32cafe")
    assert.strictEqual(attachment.pod?.name, "web-0")
    assert.strictEqual(configuration.netConf.name, "net")
    assert.strictEqual(configuration.port.engine, name.includes("vpp") ? "vpp" : "ovs-dpdk")
  })

  it.effect("is sufficient for DEL after the configuration was broken", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add(asked)
      world.files.put(path, "file", golden("record-1-ovs.json"), 0o600)
      yield* world.call("DEL", { conf: { ...network, host: { engine: "neither" } } })
      assert.deepStrictEqual(world.dump(), new World().dump())
    })
  )
})

describe("a record of a later release", () => {
  const newer = (text: string): string =>
    JSON.stringify({ ...Json(text), format: 2, place: { ...socketPathsOf(text), tunnel: "x" }, more: { a: [1] } })
  const socketPathsOf = (text: string) =>
    Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Json))(Json(text)["place"])

  const upgraded = Effect.gen(function* () {
    const world = new World()
    yield* world.add({ conf: network })
    world.files.put(path, "file", newer(world.files.get(path)?.content ?? ""), 0o600)
    return world
  })

  it.effect("makes a second ADD fail", () =>
    Effect.gen(function* () {
      const world = yield* upgraded
      const before = world.dump()
      assert.strictEqual((yield* failed(world.call("ADD", { conf: network }))).code, ErrorCodes.AlreadyAttached)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is compared by CHECK as far as it is known, with a warning", () =>
    Effect.gen(function* () {
      const world = yield* upgraded
      yield* world.call("CHECK", { conf: network })
      assert.include(
        world.log.join("\n"),
        "the record has format 2, written by a later release; this release knows 1, and compares"
      )
    })
  )

  it.effect("is deleted with all its known parts, with a warning", () =>
    Effect.gen(function* () {
      const world = yield* upgraded
      yield* world.call("DEL", { conf: network })
      assert.deepStrictEqual(world.dump(), new World().dump())
      assert.include(world.log.join("\n"), "and removes only what it knows")
    })
  )
})
