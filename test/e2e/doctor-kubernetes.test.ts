/** Symptoms of docs/troubleshooting.md that come from the API server: the finding of each. The pod stays as it is. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { Right } from "../kubernetes/support/ApiServer.ts"
import { allRights } from "../kubernetes/support/ApiServer.ts"
import { kubeconfigText } from "../kubernetes/support/KubeconfigText.ts"
import { withEverything } from "../kubernetes/support/ServerUnderTest.ts"
import { pem } from "../platform/support/HttpsPeer.ts"
import { Cluster, type Made, remake, setting } from "./support/Cluster.ts"
import { doctor, doctorThrough, networkFile, symptom } from "./support/Doctor.ts"
import { succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

const only = (allowed: (right: Right) => boolean) => (made: Made) =>
  made.server.roles.set("plugin", allRights.filter(allowed))

const symptoms: ReadonlyArray<readonly [name: string, make: (made: Made, kubeconfig: string) => void]> = [
  ["a token that has ended", ({ server }) => server.tokens.delete("letmein")],
  ["may not read", only(() => false)],
  ["may not write", only((right) => right === "get pods")],
  [
    "a webhook",
    ({ server }) =>
      server.fail({ method: "PUT", does: { status: 400, message: 'admission webhook "policy.example" denied it' } })
  ],
  ["no kubeconfig", (_, kubeconfig) => rmSync(kubeconfig)],
  ["no volume", ({ pod, server }) => remake(server, pod, { volumes: [], mounts: [] })],
  [
    "attached already",
    ({ pod, server, volume }) =>
      remake(server, pod, {
        annotations: { "k8s.v1.cni.cncf.io/networks": "ovs-a@net1, ovs-b@net1" },
        volumes: [{ name: "shared-dir", hostPath: { path: volume } }]
      })
  ]
]

onMachine(["root", "executable", "ovs", "hostLocal"], Cluster.layer)("doctor and the cluster", (test) => {
  for (const [name, make] of symptoms) {
    test(`the finding of: ${name}`, () =>
      Effect.gen(function* () {
        const made = yield* setting()
        const { kubeconfig, server } = yield* Cluster
        const { definition, node, pod } = made
        withEverything(server)
        server.fail.clear()
        const own = `${kubeconfig}-${pod.name}`
        copyFileSync(kubeconfig, own)
        make(made, own)
        const before = made.whole()
        const file = networkFile(node.directory, { ...definition, kubeconfig: own })
        const args = ["--config", file, "--pod", `${pod.namespace}/${pod.name}`]
        const { ids } = yield* doctor("--state-dir", node.stateDir, "--cni-path", node.plugins, ...args)
        assert.include(ids, symptom(name))
        assert.strictEqual(made.whole(), before)
      }))
  }

  test("credentials that end soon or have ended: the token's claim, and the certificate", () =>
    Effect.gen(function* () {
      const { definition, node, pod, server } = yield* setting()
      withEverything(server)
      server.fail.clear()
      const kubeconfig = `${node.directory}/ends.kubeconfig`
      const hour = 3_600_000
      const now = yield* Clock.currentTimeMillis
      const token = (ends: number) => {
        const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url")
        const jwt = `${part({ alg: "RS256" })}.${part({ sub: "plugin", exp: Math.floor(ends / 1000) })}.c2ln`
        server.tokens.set(jwt, "plugin")
        return `token: ${jwt}`
      }
      const certificate = Effect.fnUntraced(function* (ends: number) {
        const [crt, key] = [`${node.directory}/ends.crt`, `${node.directory}/ends.key`]
        writeFileSync(key, pem("client.key"), { mode: 0o600 })
        const until = new Date(ends).toISOString().replace(/\D/g, "").slice(0, 14)
        yield* succeed("openssl", [
          "req",
          "-x509",
          "-key",
          key,
          "-subj",
          "/CN=plugin",
          "-not_after",
          `${until}Z`,
          "-out",
          crt
        ])
        return [`client-certificate: ${crt}`, `client-key: ${key}`]
      })
      const judged = Effect.fnUntraced(function* (...user: ReadonlyArray<string>) {
        writeFileSync(kubeconfig, kubeconfigText({ server: server.url, user }), { mode: 0o600 })
        const args = ["--config", networkFile(node.directory, { ...definition, kubeconfig })]
        const of = ["--pod", `${pod.namespace}/${pod.name}`]
        const { node: seen } = yield* doctor("--state-dir", node.stateDir, "--cni-path", node.plugins, ...args, ...of)
        return seen.findings.filter(({ id }) => id.startsWith("credentials"))
      })
      const found = (id: string, what: string, ends: number) => [
        {
          id,
          seen: `credentials in ${kubeconfig}: ${what} at ${new Date(Math.floor(ends / 1000) * 1000).toISOString()}`
        }
      ]
      assert.deepStrictEqual(yield* judged(token(now + 24 * hour)), [])
      const soon = now + hour / 2
      assert.deepStrictEqual(yield* judged(token(soon)), found("credentials-expire", "the token expires", soon))
      const ended = now - hour
      assert.deepStrictEqual(yield* judged(token(ended)), found("credentials-expired", "the token expired", ended))
      assert.deepStrictEqual(
        yield* judged("token: letmein", ...(yield* certificate(soon))),
        found("credentials-expire", "the client certificate expires", soon)
      )
    }))

  test("credentials that only this user may not read are not inspected, and no finding", () =>
    Effect.gen(function* () {
      const { definition, node } = yield* setting()
      const { kubeconfig } = yield* Cluster
      mkdirSync(`${node.leases}/${definition.name}`, { recursive: true })
      mkdirSync(`${node.stateDir}/attachments`, { recursive: true, mode: 0o700 })
      writeFileSync(`${node.leases}/${definition.name}/10.56.0.77`, "0958c8871b32\r\nnet1")
      const file = networkFile(node.directory, definition)
      const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      const asked = ["--config", file, "--pod", "default/web-0", "--state-dir", node.stateDir]
      const { ids, node: seen } = yield* doctorThrough(user, ...asked)
      rmSync(`${node.leases}/${definition.name}/10.56.0.77`)
      const wrong = ["kubeconfig-unusable", "state-directory-not-writable", "attachment-missing", "lease-left-over"]
      for (const id of wrong) assert.notInclude(ids, id)
      assert.match(seen.unseen.join("\n"), new RegExp(`credentials in ${kubeconfig}: .*EACCES`))
    }))

  test("a pod that has what it needs, and credentials that are good", () =>
    Effect.gen(function* () {
      const { definition, node, pod, server, whole } = yield* setting()
      withEverything(server)
      server.fail.clear()
      const before = whole()
      const args = ["--config", networkFile(node.directory, definition), "--pod", `${pod.namespace}/${pod.name}`]
      const report = yield* doctor("--state-dir", node.stateDir, "--cni-path", node.plugins, ...args)
      const seen = report.node.links.filter(({ link }) => link === "API server" || link.startsWith("pod "))
      assert.deepStrictEqual(
        seen.map(({ is }) => is),
        ["well", "well", "well"]
      )
      assert.strictEqual(whole(), before)
    }))
})
