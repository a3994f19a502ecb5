/**
 * Pods that name their logical port, under a real OVN: it binds the port, and the plugin warns about a port that it
 * does not know.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CniNode } from "./support/CniNode.ts"
import { Ovn } from "./support/Ovn.ts"
import * as Plugin from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"

const ofPort = (name: string) => ({ environment: { CNI_ARGS: `IgnoreUnknown=1;OvnPort=${name}` } })

const onOvn = Effect.gen(function* () {
  const { call, network, vsctl, portMarked, ...node } = yield* CniNode
  const { ipam: _, ...rest } = network
  const conf = { ...rest, host: { ...rest.host, netType: "none", bridge: { bridgeName: "br-int" } } }
  const bound = (containerId: string) =>
    Effect.flatMap(portMarked(containerId), (port) =>
      vsctl("wait-until", "Interface", port, "external_ids:ovn-installed=true")
    )
  return { ...node, call, vsctl, conf, bound }
})

onMachine(["root", "executable", "ovs", "ovn"], Ovn.layer)("under OVN", (test) => {
  test("a port that OVN has bound passes CHECK, and is unbound when it is deleted", () =>
    Effect.gen(function* () {
      const { nbctl, sbctl } = yield* Ovn
      const { bound, call, conf, sandbox, vsctl } = yield* onOvn
      const of = yield* sandbox
      yield* nbctl("ls-add", "sw0", "--", "lsp-add", "sw0", "default.app")
      const ports = vsctl("list-ports", "br-int")
      const before = yield* ports
      const added = yield* call("ADD", of, conf, ofPort("default.app"))
      Plugin.well(added)
      yield* bound(of.containerId)
      yield* sbctl("wait-until", "Port_Binding", "default.app", "up=true")
      const checked = yield* call("CHECK", of, { ...conf, prevResult: added.document })
      Plugin.well(checked)
      assert.notInclude(checked.stderr, "OVN")
      Plugin.well(yield* call("DEL", of, conf))
      yield* sbctl("wait-until", "Port_Binding", "default.app", "up=false")
      assert.strictEqual(yield* ports, before)
    }))

  test("CHECK warns of a port that OVN does not know, until the logical port exists", () =>
    Effect.gen(function* () {
      const { nbctl } = yield* Ovn
      const { bound, call, conf, sandbox } = yield* onOvn
      const of = yield* sandbox
      const added = yield* call("ADD", of, conf, ofPort("default.late"))
      Plugin.well(added)
      const check = call("CHECK", of, { ...conf, prevResult: added.document })
      const early = yield* check
      Plugin.well(early)
      assert.match(early.stderr, /OVN has not bound port usp\w{12} to its logical port default\.late/)
      yield* nbctl("--may-exist", "ls-add", "sw0", "--", "lsp-add", "sw0", "default.late")
      yield* bound(of.containerId)
      const late = yield* check
      Plugin.well(late)
      assert.notInclude(late.stderr, "OVN")
      Plugin.well(yield* call("DEL", of, conf))
    }))

  test("ADD warns of a logical port that another pod of the node has", () =>
    Effect.gen(function* () {
      const { nbctl } = yield* Ovn
      const { bound, call, conf, sandbox } = yield* onOvn
      yield* nbctl("--may-exist", "ls-add", "sw0", "--", "lsp-add", "sw0", "default.twice")
      const [one, other] = [yield* sandbox, yield* sandbox]
      const first = yield* call("ADD", one, conf, ofPort("default.twice"))
      Plugin.well(first)
      assert.notInclude(first.stderr, "iface-id")
      yield* bound(one.containerId)
      const second = yield* call("ADD", other, conf, ofPort("default.twice"))
      Plugin.well(second)
      assert.match(second.stderr, /already has iface-id default\.twice:/)
      for (const of of [one, other]) Plugin.well(yield* call("DEL", of, conf))
    }))
})
