/**
 * ADD and DEL as a runtime calls them, against the API server of the tests: the requests of a role, and the credentials
 * when the network names none.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { account } from "../../src/kubernetes/Origin.ts"
import { apiNode } from "./support/ApiNode.ts"
import { allRights, type Right } from "./support/ApiServer.ts"
import * as Manifests from "./support/Manifests.ts"

const told = ["color", "userspace/configuration-data", "userspace/mapped-dir"]

describe("the requests of a role", () => {
  const shipped = allRights.filter((right) => Manifests.rights.includes(right))
  const roles: ReadonlyArray<readonly [string, ReadonlyArray<Right>, ReadonlyArray<string>]> = [
    ["the shipped one", shipped, ["PUT status 200"]],
    ["Multus'", ["get pods", "update pods", "update pods/status"], ["PUT status 200"]],
    ["update of pods", ["get pods", "update pods"], ["PUT status 403", "PUT 200"]],
    ["patch of the status", ["get pods", "patch pods/status"], ["PUT status 403", "PUT 403", "PATCH status 200"]],
    ["patch of pods", ["get pods", "patch pods"], ["PUT status 403", "PUT 403", "PATCH status 403", "PATCH 200"]]
  ]
  it.live.each(roles)("%s: one read and the same writes for ADD and for DEL", ([, rights, writes]) =>
    Effect.gen(function* () {
      const { annotations, asked, call, named, server, withKubeconfig } = yield* apiNode
      server.roles.set("plugin", rights)
      yield* call("ADD", named, withKubeconfig)
      assert.deepStrictEqual(asked(), ["GET 200", ...writes])
      assert.deepStrictEqual(Object.keys(annotations()).toSorted(), told)
      yield* call("DEL", named, withKubeconfig)
      assert.deepStrictEqual(asked().slice(1 + writes.length), ["GET 200", ...writes])
      assert.deepStrictEqual(annotations(), { color: "blue" })
    })
  )

  it.live.each(shipped)("without %s no ADD succeeds", (missing) =>
    Effect.gen(function* () {
      const { call, named, server, withKubeconfig } = yield* apiNode
      server.roles.set(
        "plugin",
        shipped.filter((right) => right !== missing)
      )
      const { code, msg } = yield* Effect.flip(call("ADD", named, withKubeconfig))
      assert.strictEqual(code, ErrorCodes.ApiServer)
      assert.include(msg, `cannot ${missing.replace(" ", ' resource "')}"`)
    })
  )
})

describe("without a kubeconfig, the service account of the plugin's own pod", () => {
  it.live("is used for ADD, CHECK and DEL, with the token that kubelet renewed meanwhile", () =>
    Effect.gen(function* () {
      const { annotations, asked, call, handed, inCluster, mount, named, server, warnings } = yield* apiNode
      const variables = { ...named, ...inCluster }
      server.tokens.clear()
      server.tokens.set("first-token", "plugin")
      mount("first-token\n")
      yield* call("ADD", variables)
      assert.deepStrictEqual(Object.keys(annotations()).toSorted(), told)
      assert.deepStrictEqual(handed(), [])
      server.tokens.clear()
      server.tokens.set("second-token", "plugin")
      mount("second-token\n")
      yield* call("CHECK", variables)
      yield* call("DEL", variables)
      assert.deepStrictEqual(annotations(), { color: "blue" })
      assert.deepStrictEqual(asked(), ["GET 200", "PUT status 200", "GET 200", "GET 200", "PUT status 200"])
      assert.deepStrictEqual([...new Set(server.asked.map(({ user }) => user))], ["plugin"])
      assert.deepStrictEqual(warnings(), [])
    })
  )

  it.live("says whose certificate is used, and is refused when it is incomplete", () =>
    Effect.gen(function* () {
      const { asked, call, inCluster, mount, named, node } = yield* apiNode
      const variables = { ...named, ...inCluster }
      mount("letmein", "other-ca.crt")
      const untrusted = yield* Effect.flip(call("ADD", variables))
      assert.strictEqual(untrusted.code, ErrorCodes.ApiServer)
      assert.match(untrusted.msg, /read pod default\/web on https:.*: its certificate is not trusted: /)
      node.files.remove(`${account}/..1/ca.crt`)
      const half = yield* Effect.flip(call("ADD", variables))
      assert.strictEqual(half.code, ErrorCodes.InvalidConfiguration)
      assert.match(half.msg, /serviceaccount\/ca\.crt cannot be read: ENOENT/)
      assert.deepStrictEqual(asked(), [])
    })
  )

  it.live("is not used when only its variables are set, as below Multus' thick plugin", () =>
    Effect.gen(function* () {
      const { annotations, asked, call, handed, inCluster, named, node, warnings } = yield* apiNode
      const before = node.state()
      yield* call("ADD", { ...named, ...inCluster })
      assert.lengthOf(handed(), 1)
      yield* call("DEL", { ...named, ...inCluster })
      assert.deepStrictEqual(node.state(), before)
      assert.deepStrictEqual(annotations(), { color: "blue" })
      assert.deepStrictEqual([...asked(), ...warnings()], [])
    })
  )
})

describe("a call that names no pod", () => {
  const unnamed = { CNI_ARGS: "IgnoreUnknown=1" }

  it.live("with a kubeconfig warns, at ADD and at DEL, that it is unused, and writes a file for the container", () =>
    Effect.gen(function* () {
      const { asked, call, handed, warnings, withKubeconfig } = yield* apiNode
      const warning =
        "Warn kubeconfig is ignored: CNI_ARGS names no pod of Kubernetes (K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID)"
      yield* call("ADD", unnamed, withKubeconfig)
      assert.lengthOf(handed(), 1)
      assert.deepStrictEqual(warnings(), [warning])
      yield* call("DEL", unnamed, withKubeconfig)
      assert.deepStrictEqual(handed(), [])
      assert.deepStrictEqual(warnings(), [warning, warning])
      assert.deepStrictEqual(asked(), [])
    })
  )

  it.live("with the plugin's own service account gives no warning", () =>
    Effect.gen(function* () {
      const { asked, call, handed, inCluster, mount, warnings } = yield* apiNode
      mount("letmein")
      yield* call("ADD", { ...unnamed, ...inCluster })
      assert.lengthOf(handed(), 1)
      yield* call("DEL", { ...unnamed, ...inCluster })
      assert.deepStrictEqual(handed(), [])
      assert.deepStrictEqual([...asked(), ...warnings()], [])
    })
  )
})
