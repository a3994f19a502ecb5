/** The switches' commands in `docs/troubleshooting.md` on real switches: each is accepted, and succeeds. */
import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { commands } from "../docs/support/Commands.ts"
import { CniNode } from "./support/CniNode.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { cleanEnvironment, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { instance } from "./support/VppInstance.ts"

const commandsOf = (page: string) => commands(readFileSync(page, "utf8"))
const all = commandsOf("docs/troubleshooting.md")

/** The instance's control socket has another name than a packaged one's. */
const ovs = Effect.fnUntraced(function* (program: string, words: ReadonlyArray<string>) {
  const { runDir } = (yield* CniNode).ovs
  const target = program === "ovs-appctl" ? ["--target", `${runDir}/ovs-vswitchd.ctl`] : []
  return yield* succeed(program, [...target, ...words], { env: { ...cleanEnvironment, OVS_RUNDIR: runDir } })
})

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("troubleshooting Open vSwitch", (test) => {
  test("every command of the page runs, on a bridge with a port of ours", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      yield* node.call("ADD", sandbox, node.network)
      const lines = all.filter(([program = ""]) => program.startsWith("ovs-"))
      assert.isAtLeast(lines.length, 4)
      for (const [program = "", ...words] of lines) {
        const here = words.map((word) => (word === "br-userspace" ? node.network.host.bridge.bridgeName : word))
        const out = yield* ovs(program, here)
        if (words.includes("external_ids:userspace-cni=1"))
          assert.include(out, yield* node.portMarked(sandbox.containerId))
      }
      yield* node.call("DEL", sandbox, node.network)
    }))

  test("a limit towards the container, set as in docs/ovs.md, is in force, and does not disturb CHECK and DEL", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const sandbox = yield* node.sandbox
      const { document } = yield* node.call("ADD", sandbox, node.network)
      const port = yield* node.portMarked(sandbox.containerId)
      const lines = commandsOf("docs/ovs.md").filter((words) => words.includes("PORT"))
      const said = yield* Effect.forEach(lines, ([program = "", ...words]) =>
        ovs(
          program,
          words.map((word) => (word === "PORT" ? port : word))
        )
      )
      for (const words of ["egress-policer", "cir: 1250000", "cbs: 65536"]) assert.include(said.at(-1) ?? "", words)
      for (const verb of ["CHECK", "DEL"] as const) {
        const { status, stdout } = yield* node.call(verb, sandbox, { ...node.network, prevResult: document })
        assert.strictEqual(status, 0, stdout)
      }
      assert.notInclude(yield* node.vsctl("--columns=name", "list", "Port"), port)
      yield* node.vsctl("--all", "destroy", "QoS")
    }))
})

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  onMachine(["root", "vpp"], Layer.empty)(`troubleshooting VPP ${basename(prefix)}`, (test) => {
    test("every command of the page exists", () =>
      Effect.gen(function* () {
        const vpp = yield* instance(prefix)
        const lines = all.filter(([program]) => program === "vppctl").map(([, ...words]) => words)
        assert.isAtLeast(lines.length, 4)
        yield* vpp.ctl("create", "bridge-domain", "4")
        for (const words of lines) assert.notMatch(yield* vpp.ctl(...words), /unknown|No such/i, words.join(" "))
      }))
  })
}
