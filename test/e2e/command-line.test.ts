/**
 * The executable as a person runs it: on a real Open vSwitch a dry run changes nothing, and its ovs-vsctl lines do what
 * the plugin does.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Plan } from "../../src/dry-run/plan/Plan.ts"
import { CniNode, type Sandbox } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import { ErrorDocument, Result } from "./support/Plugin.ts"
import { cleanEnvironment, run, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { isStill, look, returnsTo } from "./support/World.ts"

const typed = (...args: ReadonlyArray<string>) =>
  run(executable, args, { env: cleanEnvironment, stdin: { is: "empty" } })

const decode = <A, I>(schema: Schema.Codec<A, I>, text: string) =>
  Effect.orDie(Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text))

/** The flags for one attachment; writes the network's file. */
const flags = Effect.fnUntraced(function* ({ containerId, ifName, netns }: Sandbox, more: object = {}) {
  const { directory, network, plugins } = yield* CniNode
  const config = `${directory}/net.conf`
  writeFileSync(config, JSON.stringify({ ...network, ...more }))
  return [
    "--config",
    config,
    "--container-id",
    containerId,
    "--netns",
    netns,
    "--ifname",
    ifName,
    "--cni-path",
    plugins
  ]
})

/** Rows with the marks of this container, without values that every ADD has for itself. */
const rows = Effect.fnUntraced(function* (containerId: string) {
  const { watched } = yield* CniNode
  const { tables } = yield* look(watched)
  return Object.entries(tables)
    .filter(([, columns]) => JSON.stringify(columns).includes(containerId))
    .map(([name, { _uuid, external_ids = "", interfaces, ofport, ...columns }]) => ({
      name,
      ...columns,
      external_ids: external_ids.replace(/\["userspace-cni-invocation","[^"]*"\],?/, "")
    }))
})

/** Runs the ovs-vsctl lines of a plan in a shell. */
const byHand = Effect.fnUntraced(function* (plan: Plan) {
  const { ovs } = yield* CniNode
  for (const change of plan.steps.flatMap(({ changes }) => changes)) {
    if (change.kind !== "ovsdb") continue
    yield* succeed("sh", ["-c", change.ovsVsctl.replace("ovs-vsctl ", `ovs-vsctl --db=unix:${ovs.socket} `)], {
      env: cleanEnvironment
    })
  }
})

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("the command line", (test) => {
  test("says what it is when it is run alone, on stderr, and succeeds", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* typed()
      assert.deepStrictEqual([status, stdout], [0, ""])
      assert.match(stderr, /^userspace-cni \d+\.\d+\.\d+: .*\nCNI protocol versions supported: 0\.1\.0, .*1\.1\.0\n/)
    }))

  test("adds, checks and deletes as a runtime does", () =>
    Effect.gen(function* () {
      const { sandbox, watched } = yield* CniNode
      const options = yield* flags(yield* sandbox)
      const before = yield* look(watched)
      const added = yield* typed("add", "--json", ...options)
      assert.deepStrictEqual([added.status, added.stderr], [0, ""])
      assert.lengthOf((yield* decode(Result, added.stdout)).ips, 1)
      assert.deepStrictEqual((yield* typed("check", "--json", ...options)).stdout, "")
      const again = yield* typed("add", "--json", ...options)
      assert.strictEqual(again.status, 1)
      assert.strictEqual((yield* decode(ErrorDocument, again.stdout)).code, 102)
      assert.strictEqual((yield* typed("del", ...options)).status, 0)
      assert.strictEqual((yield* typed("del", ...options)).status, 0)
      yield* returnsTo(watched, before)
    }))

  for (const host of [{}, { vhost: { mode: "server" } }]) {
    test(`changes nothing in a dry run: ${JSON.stringify(host)}`, () =>
      Effect.gen(function* () {
        const { network, sandbox, watched } = yield* CniNode
        const options = yield* flags(yield* sandbox, { host: { ...network.host, ...host } })
        const empty = yield* look(watched)
        for (const format of [["--json"], []]) {
          const planned = yield* typed("add", "--dry-run", ...format, ...options)
          assert.deepStrictEqual([planned.status, planned.stderr], [0, ""])
          assert.include(planned.stdout, "plug the port")
        }
        yield* isStill(watched, empty)

        assert.strictEqual((yield* typed("add", ...options)).status, 0)
        const attached = yield* look(watched)
        for (const verb of ["add", "check", "del"]) {
          const planned = yield* typed(verb, "--dry-run", ...options)
          assert.strictEqual(planned.status, verb === "add" ? 1 : 0, planned.stderr)
        }
        yield* isStill(watched, attached)
        yield* typed("del", ...options)
        yield* returnsTo(watched, empty)
      }))
  }

  test("prints ovs-vsctl lines that do what the plugin does", () =>
    Effect.gen(function* () {
      const { network, sandbox, sharedDir, watched } = yield* CniNode
      const of = yield* sandbox
      const { containerId } = of
      const options = [
        ...(yield* flags(of, {
          host: {
            ...network.host,
            mtu: 2000,
            vhost: { mode: "client", queues: 2, ingressPolicingRate: 1000, ingressPolicingBurst: 100 },
            bridge: { bridgeName: "br-e2e", vlanId: 5, trunks: [6, 7] }
          }
        })),
        "--args",
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web-0;OvnPort=ns.web-0"
      ]
      const before = yield* look(watched)
      const addition = yield* decode(Plan, (yield* typed("add", "--dry-run", "--json", ...options)).stdout)

      yield* succeed("install", ["-d", `${sharedDir}/${containerId.slice(0, 12)}`])
      yield* byHand(addition)
      const handmade = yield* rows(containerId)
      assert.lengthOf(handmade, 2)
      yield* byHand(yield* decode(Plan, (yield* typed("del", "--dry-run", "--json", ...options)).stdout))
      yield* succeed("rmdir", [`${sharedDir}/${containerId.slice(0, 12)}`])
      yield* returnsTo(watched, before)

      assert.strictEqual((yield* typed("add", ...options)).status, 0)
      assert.deepStrictEqual(yield* rows(containerId), handmade)
      assert.strictEqual((yield* typed("del", ...options)).status, 0)
      yield* returnsTo(watched, before)
    }))

  test("plans without a switch, and says so", () =>
    Effect.gen(function* () {
      const { network, sandbox } = yield* CniNode
      const options = yield* flags(yield* sandbox, { host: { ...network.host, socket: "/no/such/db.sock" } })
      const { status, stdout } = yield* typed("add", "--dry-run", ...options)
      assert.strictEqual(status, 0)
      assert.include(stdout, "Open vSwitch could not be read (connect on /no/such/db.sock: ENOENT).")
      assert.strictEqual((yield* typed("add", ...options)).status, 1)
    }))

  test("reads a network from a pipe, and completes words in bash", () =>
    Effect.gen(function* () {
      const { directory, network } = yield* CniNode
      writeFileSync(`${directory}/piped.conf`, JSON.stringify(network))
      const piped = `cat ${directory}/piped.conf | ${executable} add --dry-run --config /dev/stdin --cni-path /usr/lib/cni`
      assert.include(yield* succeed("sh", ["-c", piped], { env: cleanEnvironment }), "network e2e.")
      mkdirSync(`${directory}/completing`)
      writeFileSync(`${directory}/completing/a-network.conf`, "{}")
      const complete = (line: string) =>
        Effect.map(
          succeed("bash", [
            "-c",
            `source <(${executable} --completions bash); cd ${directory}/completing; COMP_LINE="${line}"
             COMP_POINT=\${#COMP_LINE}; COMP_WORDS=($COMP_LINE ${line.endsWith(" ") ? '""' : ""})
             COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _userspace; echo "\${COMPREPLY[@]}"`
          ]),
          (words) => words.trim()
        )
      assert.strictEqual(yield* complete("userspace ad"), "add")
      assert.include(yield* complete("userspace add --c"), "--container-id")
      assert.include(yield* complete("userspace add --config "), "a-network.conf")
    }))
})
