/**
 * The executable against a container that replaces files and directories in and beside its shared directory by links
 * while ADD and DEL run. The targets have every name that the plugin uses, and stay unchanged; DEL succeeds all the
 * same.
 */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { createServer } from "node:net"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { untilTrue } from "../support/Until.ts"
import { CniNode, type Sandbox } from "./support/CniNode.ts"
import { onMachine } from "./support/Suite.ts"

const rounds = 12

/** Kind, mode, owner, size, time of the last change, and content. */
const dump = (directory: string): ReadonlyArray<string> =>
  Fs.readdirSync(directory).map((name) => {
    const { ctimeMs, gid, ino, mode, size, uid } = Fs.lstatSync(`${directory}/${name}`)
    const text = Fs.lstatSync(`${directory}/${name}`).isFile() ? Fs.readFileSync(`${directory}/${name}`, "utf8") : ""
    return [name, mode.toString(8), uid, gid, size, ino, ctimeMs, text].join(" ")
  })

/** A directory of somebody else's with a file at every name of the attachment. */
const prey = Effect.fnUntraced(function* (directory: string, { containerId, ifName }: Sandbox) {
  const id = containerId.slice(0, 12)
  Fs.mkdirSync(directory, { mode: 0o700 })
  for (const name of [`configData-${id}-${ifName}.json`, `configData-${id}-${ifName}.json.new`, ".userspace-cni"]) {
    Fs.writeFileSync(`${directory}/${name}`, "somebody else's", { mode: 0o600 })
  }
  yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(`${directory}/${id}-${ifName}`, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  Fs.chmodSync(`${directory}/${id}-${ifName}`, 0o600)
})

/** Returns how often it acted. */
const hostile = Effect.fnUntraced(function* (shared: string, { containerId }: Sandbox, prey: string) {
  const end = `${prey}-end`
  const program = new URL("support/hostile-container.ts", import.meta.url).pathname
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [program, shared, containerId.slice(0, 12), prey, end])),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  let told = ""
  child.stdout.on("data", (chunk: Buffer) => {
    told += chunk.toString()
  })
  return Effect.callback<number>((resume) => {
    child.once("close", () => resume(Effect.succeed(Number(told))))
    Fs.writeFileSync(end, "")
  })
})

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("a hostile container", (test) => {
  for (const mode of ["client", "server"] as const) {
    test(`that replaces everything with links, all the time, in ${mode} mode`, () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const sandbox = yield* node.sandbox
        const victim = `${node.directory}/prey-${mode}`
        yield* prey(victim, sandbox)
        const before = dump(victim)
        const network = { ...node.network, host: { ...node.network.host, vhost: { mode, group: "12345" } } }
        const stop = yield* hostile(node.sharedDir, sandbox, victim)
        // It has begun.
        yield* untilTrue("the first act", () => Fs.readdirSync(node.sharedDir).length > 0, { every: "5 millis" })
        let added = 0
        for (let round = 0; round < rounds; round++) {
          if ((yield* node.call("ADD", sandbox, network)).status === 0) added++
          yield* node.call("DEL", sandbox, network)
          assert.deepStrictEqual(dump(victim), before)
        }
        const acts = yield* stop
        assert.isAbove(acts, 100, `${added} of ${rounds} ADDs came to an end`)
        // Without the container, one DEL removes what is left, and the next ADD works.
        const { status, stderr, stdout } = yield* node.call("DEL", sandbox, network)
        assert.strictEqual(status, 0, stdout + stderr)
        for (const name of Fs.readdirSync(node.sharedDir)) {
          Fs.rmSync(`${node.sharedDir}/${name}`, { recursive: true, force: true })
        }
        assert.strictEqual((yield* node.call("ADD", sandbox, network)).status, 0)
        assert.strictEqual((yield* node.call("DEL", sandbox, network)).status, 0)
        assert.deepStrictEqual(dump(victim), before)
        assert.deepStrictEqual(Fs.readdirSync(node.leases).length > 0 ? held(node.leases) : [], [])
      }))
  }
})

/** Addresses in use. */
const held = (leases: string): ReadonlyArray<string> =>
  Fs.readdirSync(leases, { recursive: true, encoding: "utf8" }).filter((name) => /\d+\.\d+\.\d+\.\d+$/.test(name))
