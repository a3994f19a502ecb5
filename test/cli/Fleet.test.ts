/** `userspace fleet` and `doctor --node` with the API server of the tests: output and exit status. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { kubeconfig, objectWorld } from "../agent/node-object/support/ObjectWorld.ts"
import { nodeRights } from "../kubernetes/support/ApiServer.ts"
import { encode } from "../kubernetes/support/PodStore.ts"
import { add } from "./support/Attached.ts"
import { type } from "./support/Terminal.ts"

const fleetWorld = Effect.gen(function* () {
  const world = yield* objectWorld
  const { server } = world
  server.roles.set("plugin", [...nodeRights, "list userspacenodes"])
  return {
    ...world,
    run: (...args: ReadonlyArray<string>) => type(world, [...args, "--kubeconfig", kubeconfig]),
    /** A node whose status is that of n1, but for its conditions. */
    like: (name: string, status: "True" | "False") => {
      const object = JSON.parse(encode(server.nodes.objects.get("n1")))
      const conditions = object.status.conditions.map((one: object) => ({ ...one, status }))
      server.nodes.objects.set(name, { metadata: { name }, status: { ...object.status, conditions } })
    }
  }
})

describe("userspace fleet", () => {
  it.effect("shows the wrong nodes first, of as many answers as it takes, and exits with 1", () =>
    Effect.gen(function* () {
      const { agent, like, node, run, server } = yield* fleetWorld
      yield* add(node, "c1")
      yield* agent(() => Effect.void)
      like("n0", "True")
      like("n2", "False")
      like("n1", "True")
      server.nodes.part = 2
      const { stderr, stdout, well } = yield* run("fleet")
      assert.deepStrictEqual([stderr, well], ["", false])
      const lines = stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 2).join(" "))
      assert.deepStrictEqual(lines, ["NODE STATE", "n2 wrong", "n0 ok", "n1 ok", "", "3 nodes: 1 wrong, 2 ok.", ""])
      const { nodes, status } = JSON.parse((yield* run("fleet", "--json")).stdout)
      assert.strictEqual(status, 1)
      const states = nodes.map((one: { readonly name: string; readonly state: string }) => `${one.name} ${one.state}`)
      assert.deepStrictEqual(states, ["n0 ok", "n1 ok", "n2 wrong"])
      server.nodes.objects.delete("n2")
      assert.isTrue((yield* run("fleet")).well)
      server.nodes.objects.set("n3", { metadata: { name: "n3" }, status: { version: "of another form" } })
      assert.include((yield* run("fleet")).stdout, "3 nodes: 1 unknown, 2 ok.")
    })
  )

  it.effect("does not call a node wrong that has no switch and no attachment", () =>
    Effect.gen(function* () {
      const { agent, run } = yield* fleetWorld
      yield* agent(() => Effect.void)
      const { stdout, well } = yield* run("fleet")
      assert.isTrue(well)
      assert.include(stdout, "1 node: 1 no switch.")
    })
  )

  it.effect("says what to do where there is no definition, no right, and no kubeconfig", () =>
    Effect.gen(function* () {
      const { run, server, ...world } = yield* fleetWorld
      assert.include((yield* run("fleet")).stdout, "No agent has written the object of its node.")
      server.nodes.isDefined = false
      assert.match((yield* run("fleet")).stderr, /404 Not Found on https:\S+\n {2}-> Apply examples\/kubernetes\/user/)
      server.roles.set("plugin", [])
      assert.match((yield* run("fleet")).stderr, /403 Forbidden.*\n {2}-> Allow the kubeconfig's user to get and list/)
      const without = yield* type(world, ["fleet"], { HOME: "/home/me" })
      assert.match(without.stderr, /\/home\/me\/\.kube\/config cannot be read: ENOENT\n {2}-> Name a kubeconfig/)
    })
  )
})

describe("userspace fleet --watch", () => {
  it.effect("prints at each change, and a failure once; it ends well", () =>
    Effect.gen(function* () {
      const { agent, edges, like, server } = yield* fleetWorld
      yield* agent(() => Effect.void)
      process.exitCode = undefined
      const lines = yield* Effect.gen(function* () {
        const args = ["fleet", "--watch", "--json", "--kubeconfig", kubeconfig]
        const fiber = yield* Effect.forkChild(commandLine(args, {}))
        /** Until it has read the list twice, the second time after this. */
        const readings = Effect.suspend(() => {
          const enough = server.asked.length + 2
          const second = Effect.andThen(TestClock.adjust("1 second"), TestClock.withLive(Effect.sleep("1 millis")))
          return Effect.repeat(second, { until: () => server.asked.length >= enough })
        })
        yield* readings
        yield* readings
        like("n2", "False")
        yield* readings
        server.nodes.isDefined = false
        yield* readings
        server.nodes.isDefined = true
        yield* readings
        yield* Fiber.interrupt(fiber)
        return { out: (yield* TestConsole.logLines).map(String), errors: (yield* TestConsole.errorLines).map(String) }
      }).pipe(Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, edges]))
      assert.deepStrictEqual(
        lines.out.map((line) => JSON.parse(line).nodes.length),
        [1, 2]
      )
      assert.lengthOf(lines.errors, 1)
      assert.match(lines.errors[0] ?? "", /^userspace: cannot list userspacenodes: 404 Not Found/)
      assert.strictEqual(process.exitCode, 0)
      process.exitCode = undefined
    })
  )
})

describe("doctor --node", () => {
  it.effect("prints what the node's agent has written, with the cures of its findings", () =>
    Effect.gen(function* () {
      const { agent, node, run } = yield* fleetWorld
      for (const id of ["c1", "c2"]) yield* add(node, id)
      yield* agent(() => Effect.void)
      const { stdout, well } = yield* run("doctor", "--node", "n1")
      assert.isFalse(well)
      assert.match(stdout, /^Node n1, userspace-cni /)
      assert.include(stdout, "  network net-a: 2 attachments, 2 disconnected\n")
      assert.match(stdout, /\nwarning hugepages-missing \(1\)\n {2}No hugepages[^\n]*\n {2}-> Reserve some/)
      const { status } = JSON.parse((yield* run("doctor", "--node", "n1", "--json")).stdout)
      assert.strictEqual(status.summary.attachments, 2)
      assert.match((yield* run("doctor", "--node", "n9")).stderr, /cannot read userspacenode n9\n {2}404 Not Found/)
      const both = yield* run("doctor", "--node", "n1", "--pod", "default/web")
      assert.include(both.stderr, "--node is for what is known of a whole node")
    })
  )
})
