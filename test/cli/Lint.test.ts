/** `userspace lint`: the networks of files as people and kubectl write them, with an ADD's own errors. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect } from "effect"
import { CommandLineError, ExitStatus, statusOf } from "../../src/cli/print/Printer.ts"
import { network } from "../dry-run/support/Calls.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { file, type } from "./support/Terminal.ts"

const lint = (...args: ReadonlyArray<string>) => type(make(), ["lint", ...args])

const definition = (name: string, config: object | string, more: object = {}) => ({
  apiVersion: "k8s.cni.cncf.io/v1",
  kind: "NetworkAttachmentDefinition",
  metadata: { name, namespace: "prod" },
  spec: { config: typeof config === "string" ? config : JSON.stringify(config) },
  ...more
})

/** A key that is nearly one. */
const mistyped = { ...network, host: { ...network.host, iftyp: "vhostuser" } }

const manifest = `apiVersion: v1
kind: ConfigMap
metadata: { name: other }
---
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata:
  name: left
spec:
  config: |
    ${JSON.stringify(mistyped)}
---
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: { name: bridge }
spec:
  config: '{ "type": "bridge" }'
`

describe("lint", () => {
  it.effect("says that a network is right, in each of its forms", () =>
    Effect.gen(function* () {
      const list = {
        cniVersion: "1.0.0",
        name: "net-l",
        plugins: [{ ...network, name: undefined }, { type: "tuning" }]
      }
      const files = [
        yield* file("net.conf", network),
        yield* file("net.conflist", list),
        yield* file("net.json", definition("left", network)),
        yield* file("kubectl.json", {
          kind: "List",
          items: [definition("a", network), definition("b", '{"type":"macvlan"}')]
        })
      ]
      const { stderr, stdout, well } = yield* lint(...files, "--json")
      assert.deepStrictEqual([well, stderr], [true, ""])
      const { networks } = JSON.parse(stdout)
      assert.deepStrictEqual(
        networks.map(({ error, network: name }: Record<string, unknown>) => [name, error]),
        [network.name, "net-l", network.name, network.name].map((name) => [name, null])
      )
    })
  )

  it.effect("prints what an ADD would say, with the nearest key, and passes over what is not ours", () =>
    Effect.gen(function* () {
      const path = yield* file("networks.yaml", manifest)
      const { stdout, well } = yield* lint(path)
      assert.isFalse(well)
      assert.match(stdout, /code 2: .*host\.iftyp: .*did you mean iftype\?/)
      assert.match(stdout, /-> Correct the file/)
      assert.notInclude(stdout, "bridge\n")
      const { networks } = JSON.parse((yield* lint(path, "--json")).stdout)
      assert.deepStrictEqual(
        networks.map(({ error }: { readonly error: { readonly code: number } }) => error.code),
        [2]
      )
    })
  )

  it.effect("passes over networks of other plugins", () =>
    Effect.gen(function* () {
      const multus = yield* file("00-multus.conf", { type: "multus", name: "m" })
      const list = yield* file("bridge.conflist", { name: "b", plugins: [{ type: "bridge" }] })
      const { stdout, well } = yield* lint(multus, list, yield* file("net.conf", network), "--json")
      assert.isTrue(well)
      assert.lengthOf(JSON.parse(stdout).networks, 1)
    })
  )

  const unreadable: ReadonlyArray<readonly [what: string, text: string, words: RegExp]> = [
    ["text that is neither", "host: [", /it is not JSON/],
    ["a manifest that is not YAML", "kind: NetworkAttachmentDefinition\nspec: [", /it is not YAML/],
    ["a configuration in a manifest that is not JSON", JSON.stringify(definition("a", "{")), /spec\.config of prod\/a/],
    ["no network of ours", JSON.stringify(definition("a", '{"type":"bridge"}')), /no network of type userspace/]
  ]
  it.effect.each(unreadable)("cannot judge %s", ([, text, words]) =>
    Effect.gen(function* () {
      const { stderr, well } = yield* lint(yield* file("net.yaml", text))
      assert.isFalse(well)
      assert.match(stderr, words)
    })
  )

  it.effect("names a file that cannot be read", () =>
    Effect.map(lint("/nowhere/net.conf"), ({ stderr, well }) => {
      assert.isFalse(well)
      assert.include(stderr, "/nowhere/net.conf does not exist")
    })
  )

  it("has exit status 2 for what it could not read, as a doctor has", () => {
    const unread = new CommandLineError({ failed: "cannot read a", answer: "a does not exist", cure: "Give it." })
    assert.strictEqual(statusOf(Cause.fail(unread), ["lint", "a"]), 2)
    assert.strictEqual(statusOf(Cause.fail(new ExitStatus({ status: 1 })), ["lint", "a"]), 1)
  })
})
