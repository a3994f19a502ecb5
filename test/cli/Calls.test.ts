/** add, check and del as a person types them: the real calls, on a node in memory. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { network, real } from "../dry-run/support/Calls.ts"
import { make, type Node } from "../dry-run/support/MemoryNode.ts"
import { attached, file, type } from "./support/Terminal.ts"

const without = <K extends keyof typeof network>(key: K) => {
  const { [key]: _, ...rest } = network
  return rest
}

/** Every ADD has its own invocation; the order of a set of rows is that of their UUIDs. */
const anonymous = (node: Node) =>
  JSON.stringify(node.state())
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "")
    .split(/[[\],]+/)
    .sort()

it.effect("does what a runtime's call does, and leaves nothing", () =>
  Effect.gen(function* () {
    const [byHand, byRuntime] = [make(), make()]
    const config = ["--config", yield* file("net.conf", network), ...attached]
    const before = byHand.state()
    const added = yield* type(byHand, ["add", ...config])
    assert.isTrue(added.well, added.stderr)
    yield* real(byRuntime, "ADD")
    assert.deepStrictEqual(anonymous(byHand), anonymous(byRuntime))
    assert.isTrue((yield* type(byHand, ["check", ...config])).well)
    assert.isTrue((yield* type(byHand, ["del", ...config])).well)
    assert.isTrue((yield* type(byHand, ["del", ...config])).well)
    assert.deepStrictEqual(byHand.state(), before)
  })
)

it.effect("prints the result for a person", () =>
  Effect.gen(function* () {
    const node = make()
    const config = ["--config", yield* file("net.conf", network), ...attached]
    const { stderr, stdout } = yield* type(node, ["add", ...config])
    assert.strictEqual(stderr, "")
    assert.strictEqual(
      stdout.replace(/([0-9a-f]{2}:){5}[0-9a-f]{2}/, "MAC"),
      `Added net1 to container c1.
  interface  net1 in /var/run/netns/c1
  mac        MAC
  socket     /run/userspace/c1/c1-net1
  address    10.9.8.2/24, gateway 10.9.8.1
`
    )
    assert.strictEqual(
      (yield* type(node, ["check", ...config])).stdout,
      "net1 of container c1 is unchanged since ADD.\n"
    )
    assert.strictEqual((yield* type(node, ["del", ...config])).stdout, "Deleted net1 of container c1.\n")
  })
)

it.effect("prints the document of the specification with --json, and nothing where there is none", () =>
  Effect.gen(function* () {
    const [node, other] = [make(), make()]
    const config = ["--json", "--config", yield* file("net.conf", network), ...attached]
    const { stdout } = yield* type(node, ["add", ...config])
    assert.deepStrictEqual<unknown>(JSON.parse(stdout), yield* real(other, "ADD"))
    assert.strictEqual((yield* type(node, ["check", ...config])).stdout, "")
    assert.strictEqual((yield* type(node, ["del", ...config])).stdout, "")
  })
)

it.effect("prints a failure in three parts: what failed, what came back, what to do", () =>
  Effect.gen(function* () {
    const node = make()
    node.refusal = "ECONNREFUSED"
    const config = ["--config", yield* file("net.conf", without("ipam")), ...attached]
    const { stderr, stdout, well } = yield* type(node, ["add", ...config])
    assert.isFalse(well)
    assert.strictEqual(stdout, "")
    const [failed, answer, cure, ...more] = stderr.trimEnd().split("\n")
    assert.strictEqual(failed, "userspace: ADD failed (code 11)")
    assert.match(answer ?? "", /^ {2}Open vSwitch: inspect port usp\w+: connect on .*db\.sock: ECONNREFUSED$/)
    assert.match(cure ?? "", /^ {2}-> Check that ovsdb-server runs on this node/)
    assert.deepStrictEqual(more, [])
  })
)

it.effect("prints the error document with --json on stdout, and the three parts on stderr", () =>
  Effect.gen(function* () {
    const node = make()
    const config = [
      "--json",
      "--config",
      yield* file("net.conf", network),
      "--container-id",
      "c1",
      "--netns",
      "/nowhere"
    ]
    const { stderr, stdout, well } = yield* type(node, ["add", ...config])
    assert.isFalse(well)
    const document = JSON.parse(stdout)
    assert.deepStrictEqual(Object.keys(document), ["cniVersion", "code", "msg", "details"])
    assert.strictEqual(document.code, 4)
    assert.strictEqual(document.cniVersion, "1.1.0")
    assert.include(stderr, "userspace: ADD failed (code 4)")
  })
)

it.effect("needs a container, except for a dry run of add", () =>
  Effect.gen(function* () {
    const config = ["--config", yield* file("net.conf", network)]
    for (const args of [["add"], ["del"], ["check"], ["del", "--dry-run"], ["check", "--dry-run"]]) {
      const { stderr, well } = yield* type(make(), [...args, ...config])
      assert.isFalse(well)
      assert.include(stderr, `userspace: ${args[0]} needs a container\n  --container-id is missing\n`)
    }
    assert.isTrue((yield* type(make(), ["add", "--dry-run", ...config])).well)
  })
)

it.effect("takes the rest from the flags, the caller's environment, or the defaults", () =>
  Effect.gen(function* () {
    const config = ["--json", "--dry-run", "--config", yield* file("net.conf", network)]
    const planned = Effect.fnUntraced(function* (args: ReadonlyArray<string>, variables = {}) {
      return JSON.parse((yield* type(make(), ["add", ...config, ...args], variables)).stdout)
    })
    const usual = yield* planned([])
    assert.deepStrictEqual(
      [usual.containerId, usual.ifName, usual.netns],
      ["dry-run", "net1", "/var/run/netns/dry-run"]
    )
    assert.include(usual.notes[0], "No sandbox was given")
    assert.strictEqual((yield* planned(["--container-id", "abc"])).netns, "/var/run/netns/abc")
    const environment = { CNI_IFNAME: "net7", CNI_ARGS: "mac=02:00:00:00:00:07", CNI_PATH: "/elsewhere" }
    const inherited = yield* planned([], environment)
    assert.strictEqual(inherited.ifName, "net7")
    assert.include(inherited.error.msg, "CNI_PATH=/elsewhere")
    const flags = ["--ifname", "net9", "--args", "mac=02:00:00:00:00:09", "--cni-path", "/opt/cni/bin", ...attached]
    const given = yield* planned(flags, environment)
    assert.deepStrictEqual(
      [given.ifName, given.result.interfaces[0].mac, given.error],
      ["net9", "02:00:00:00:00:09", null]
    )
  })
)

it.effect("prints no control characters, whoever wrote the text", () =>
  Effect.gen(function* () {
    const conf = { ...network, cniVersion: "\x9b2J\u202e" }
    const { stderr } = yield* type(make(), ["add", "--config", yield* file("net.conf", conf), ...attached])
    assert.include(stderr, 'cniVersion: "\\u009b2J\\u202e" is not supported')
    assert.notMatch(stderr, /[^\P{C}\n]/u)
  })
)
