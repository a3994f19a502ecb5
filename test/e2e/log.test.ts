/**
 * The log of the executable, called as a runtime calls it: attachment, file, format, level and times.
 * `test/program/Logged.test.ts` has more detail on a node in memory.
 */
import { readFileSync, statSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { CniNode, type Sandbox } from "./support/CniNode.ts"
import { errorOf, well } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

const Line = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)))
const linesOf = (text: string) => text.split("\n").slice(0, -1)

const wanted = ({ containerId, ifName, netns }: Sandbox, network: string) => ({
  container: containerId,
  netns,
  interface: ifName,
  network
})

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("the log", (test) => {
  test("as JSON, at debug level, in a file: each line has its attachment, and each step of ADD has a line", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      const logFile = `${node.directory}/logs/debug.log`
      const conf = { ...node.network, logFile, logFormat: "json", logLevel: "debug" }
      const more = { environment: { TRACEPARENT: `00-${traceId}-${spanId}-01` } }
      const added = yield* node.call("ADD", sandbox, conf, more)
      well(added)
      assert.strictEqual(readFileSync(logFile, "utf8"), added.stderr)
      assert.strictEqual(statSync(logFile).mode & 0o777, 0o640)
      const deleted = yield* node.call("DEL", sandbox, conf, more)
      well(deleted)
      assert.strictEqual(readFileSync(logFile, "utf8"), added.stderr + deleted.stderr)

      const lines = yield* Effect.forEach(linesOf(added.stderr + deleted.stderr), (line) => Line(line))
      for (const { container, interface: name, netns, network } of lines) {
        assert.deepStrictEqual({ container, netns, interface: name, network }, wanted(sandbox, node.network.name))
      }

      const spans = lines.filter(({ span }) => span !== undefined && span !== "start")
      assert.deepStrictEqual([...new Set(spans.map(({ trace }) => trace))], [traceId])
      const roots = spans.filter(({ parent }) => parent === spanId)
      assert.deepStrictEqual(
        roots.map(({ span }) => span),
        ["ADD", "DEL"]
      )
      const steps = spans.filter(({ parent }) => parent === roots[0]?.["id"]).map(({ span }) => span)
      // IPAM runs while ovs-vswitchd works.
      assert.deepStrictEqual(
        steps.filter((step) => step !== "get addresses"),
        [
          "inspect the pod",
          "write the record",
          "inspect the switch",
          "prepare the shared directory",
          "plug the port",
          "publish the container config",
          "write the record"
        ]
      )
      assert.lengthOf(steps, 8)
    }))

  test("as text: an ADD that is rolled back says so, each line with its attachment, and the error last", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      const before = yield* look(node.watched)
      const full = {
        ...node.network.ipam,
        ranges: [[{ subnet: "10.57.0.0/30", rangeStart: "10.57.0.2", rangeEnd: "10.57.0.2" }]]
      }
      const conf = { ...node.network, logLevel: "info", ipam: full }
      const first = yield* node.sandbox
      well(yield* node.call("ADD", first, conf))
      const answer = yield* node.call("ADD", sandbox, conf)
      const { details, msg } = yield* errorOf(answer)
      const lines = linesOf(answer.stderr)
      const tail = ` container=${sandbox.containerId} netns=${sandbox.netns} interface=net1 network=e2e`
      for (const line of lines) assert.ok(line.endsWith(tail), line)
      assert.include(lines.at(-1), ` [error] ${msg} (${details})`)
      for (const step of ["get addresses", "plug the port", "prepare the shared directory", "write the record"]) {
        assert.lengthOf(
          lines.filter((line) => line.includes(` [info] undid "${step}" container=`)),
          1
        )
      }
      well(yield* node.call("DEL", first, conf))
      yield* returnsTo(node.watched, before)
    }))

  test("a successful call logs nothing; an unknown level gives one warning", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      for (const [level, expected] of [
        [{}, /^$/],
        [{ logLevel: "loud" }, /^\S+ \[warning\] logLevel "loud" is not panic, .*: using warning container=[^\n]*\n$/]
      ] as const) {
        for (const verb of ["ADD", "DEL"]) {
          const answer = yield* node.call(verb, sandbox, { ...node.network, ...level })
          well(answer)
          assert.match(answer.stderr, expected)
        }
      }
    }))

  test("a level of the wrong type is refused, and a file that cannot be written gives a warning", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      const refused = yield* errorOf(yield* node.call("ADD", sandbox, { ...node.network, logLevel: 5 }))
      assert.deepStrictEqual(
        [refused.code, refused.msg.includes("logLevel: 5 is not panic or error or warning")],
        [7, true]
      )
      const logFile = `${node.directory}/missing/log`
      const conf = { ...node.network, logFile, logFormat: "json" }
      const added = yield* node.call("ADD", sandbox, conf)
      well(added)
      const [text = "", ...others] = linesOf(added.stderr)
      const { msg, time: _, ...rest } = yield* Line(text)
      assert.include(msg, `logFile ${logFile} cannot be written`)
      assert.deepStrictEqual(rest, { level: "warning", ...wanted(sandbox, "e2e") })
      assert.deepStrictEqual(others, [])
      well(yield* node.call("DEL", sandbox, conf))
    }))
})
