/** Links in the middle of a path, and separate file systems, for a plan over the real ones. */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { dryRun } from "../../src/dry-run/DryRun.ts"
import * as PlannedFiles from "../../src/dry-run/edges/PlannedFiles.ts"
import { planRecorder } from "../../src/dry-run/plan/Plan.ts"
import { Files } from "../../src/platform/Files.ts"
import { real, step, variables, withHost } from "./support/Calls.ts"
import { make, type Node } from "./support/MemoryNode.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "dry-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

it.live("goes through a link to a directory, as /var/run is one", () =>
  Effect.gen(function* () {
    const base = yield* directory
    Fs.mkdirSync(`${base}/run`)
    Fs.symlinkSync("run", `${base}/link`)
    const below = yield* Files
    const files = PlannedFiles.make(below, planRecorder()).files
    assert.strictEqual((yield* files.lstat(`${base}/link`))?.kind, "symlink")
    yield* files.makeDirectory(`${base}/link/a`, 0o755)
    yield* files.create(`${base}/link/a/file`, "text", 0o600)
    assert.strictEqual(yield* files.read(`${base}/link/a/file`, 10), "text")
    assert.deepStrictEqual(yield* files.list(`${base}/link`), ["a"])
    assert.strictEqual((yield* files.lstat(`${base}/link`))?.kind, "symlink")
    assert.deepStrictEqual(Fs.readdirSync(`${base}/run`), [])
  }).pipe(Effect.provide(Files.layer))
)

/** The same node, with `/run` on a separate file system. */
const edges = (node: Node) =>
  Layer.merge(
    node.edges,
    Layer.effect(
      Files,
      Effect.map(Files, (files) =>
        Files.of({
          ...files,
          lstat: (path) =>
            Effect.map(files.lstat(path), (status) =>
              status === undefined || !`${path}/`.startsWith("/run/") ? status : { ...status, dev: 2 }
            )
        })
      )
    ).pipe(Layer.provide(node.edges))
  )

const server = withHost({ vhost: { mode: "server" } })
const plan = (node: Node, verb: "ADD" | "DEL") =>
  Effect.provide(dryRun({ verb, variables, text: JSON.stringify(server), assumeSandbox: false }), edges(node))

const socket = "/run/userspace/c1/c1-net1"
const mount = (port: string) => ({ kind: "program", program: "mount", args: ["-n", "-c", "--bind", port, socket] })
const umount = { kind: "program", program: "umount", args: ["-n", "-c", "-l", socket] }

it.effect("binds the switch's socket where a link cannot reach, and unbinds it", () =>
  Effect.gen(function* () {
    const { error, steps, ...rest } = yield* plan(make(), "ADD")
    assert.isNull(error)
    const published = step({ error, steps, ...rest }, "publish the socket")?.changes ?? []
    assert.deepStrictEqual(published[0], { kind: "file", do: "create", path: socket, mode: "0600", bytes: 0 })
    const from = published[1]?.kind === "program" ? (published[1].args.at(-2) ?? "") : ""
    assert.match(from, /^\/var\/run\/openvswitch\/usp\w+$/)
    assert.deepStrictEqual<unknown>(published.slice(1), [mount(from)])
    const undo = steps.find(({ step }) => step === "prepare the shared directory")?.undo ?? []
    const [at, removed] = [
      undo.findIndex(({ kind }) => kind === "program"),
      undo.findIndex((change) => change.kind === "file" && change.path === socket)
    ]
    assert.deepStrictEqual<unknown>(undo[at], umount)
    assert.isAbove(removed, at)
  })
)

it.effect("unbinds a bound socket on DEL", () =>
  Effect.gen(function* () {
    const node = make()
    yield* real(node, "ADD", server)
    // As seen from where it was bound: on the file system that it is really on.
    const status = (path: string) => node.files.get(path)
    assert.strictEqual(status(socket)?.kind, "socket")
    const bound = Layer.merge(
      edges(node),
      Layer.effect(
        Files,
        Effect.map(Files, (files) =>
          Files.of({
            ...files,
            lstat: (path) =>
              Effect.map(files.lstat(path), (found) =>
                found !== undefined && path === socket ? { ...found, dev: 1 } : found
              )
          })
        )
      ).pipe(Layer.provide(edges(node)))
    )
    const asked = { verb: "DEL", variables, text: JSON.stringify(server), assumeSandbox: false } as const
    const planned = yield* Effect.provide(dryRun(asked), bound)
    const changes = step(planned, "clear the shared directory")?.changes ?? []
    assert.deepStrictEqual<unknown>(
      changes.filter(({ kind }) => kind === "program"),
      [umount]
    )
    assert.isTrue(changes.some((change) => change.kind === "file" && change.do === "remove" && change.path === socket))
  })
)
