/** A socket's path that cannot be used in any form: which key must change. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OvsMemory from "../../ovs/support/OvsMemory.ts"
import { networks } from "../support/Networks.ts"
import { failed, stateDir, World } from "../support/World.ts"

const long = `/${"d".repeat(100)}`
const clients = [
  "client mode",
  "VPP, memif in a bridge domain",
  "VPP, vhost-user in an administrator's bridge domain, device information"
] as const

it.effect("a long sharedDir is reached through a short link below stateDir", () =>
  Effect.gen(function* () {
    const world = new World()
    const before = world.dump()
    const asked = { conf: { ...networks["client mode"].conf, sharedDir: long } }
    yield* world.add(asked)
    const port = world.dump().find((line) => line.startsWith('Interface {"name":"usp')) ?? ""
    const [, link = "", name] = /"vhost-server-path","([^"]+)\/([^"/]+)"/.exec(port) ?? []
    assert.match(link, new RegExp(`^${stateDir}/links/\\w+$`))
    assert.strictEqual(name, "0958c8871b32-net1")
    assert.strictEqual(world.files.get(link)?.content, `${long}/0958c8871b32`)
    yield* world.call("DEL", asked)
    assert.deepStrictEqual(world.dump(), before)
  })
)

it.effect.each(clients)("%s: a stateDir that is too long as well is refused before any change", (name) =>
  Effect.gen(function* () {
    const world = new World()
    const before = world.dump()
    const conf = { ...networks[name].conf, sharedDir: long, stateDir: long }
    const error = yield* failed(world.call("ADD", { conf }))
    assert.strictEqual(error.code, 103)
    assert.match(error.msg, /socket path \/d+\/links\/\S+ has 1\d\d bytes/)
    assert.match(error.details, /^Use a shorter stateDir or socketfile/)
    assert.deepStrictEqual(world.dump(), before)
  })
)

it.effect("a character that VPP refuses in sharedDir and stateDir: each link is in the other directory", () =>
  Effect.gen(function* () {
    const conf = { ...networks["VPP, memif in a bridge domain"].conf, sharedDir: "/a~b" }
    const { code, details, msg } = yield* failed(new World().call("ADD", { conf: { ...conf, stateDir: "/c~d" } }))
    assert.strictEqual(code, 103)
    assert.match(msg, /socket path \/c~d\/links\/\S+ has a "~"/)
    assert.match(details, /^Use a shorter stateDir or socketfile, with nothing but letters/)
  })
)

it.effect("server mode of Open vSwitch: a run directory that is too long is refused", () =>
  Effect.gen(function* () {
    const { conf } = networks["server mode, a long directory, device information"]
    const world = new World()
    world.files.put(long, "directory", "", 0o755)
    world.switches.push(OvsMemory.make({ peer: `${long}/db.sock` }))
    const error = yield* failed(
      world.call("ADD", { conf: { ...conf, host: { ...conf.host, socket: `${long}/db.sock` } } })
    )
    assert.strictEqual(error.code, 103)
    assert.include(error.details, "OVS_SOCKDIR")
  })
)
