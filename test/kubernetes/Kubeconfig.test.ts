/** Kubeconfigs as tools write them and as people break them, with every file that they name. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { readAccess } from "../../src/kubernetes/Credentials.ts"
import { originOf } from "../../src/kubernetes/Origin.ts"
import { Files } from "../../src/platform/Files.ts"
import * as FilesMemory from "../platform/support/FilesMemory.ts"
import { pem } from "../platform/support/HttpsPeer.ts"
import { base64, kubeconfigText, type Wanted } from "./support/KubeconfigText.ts"
import { directory } from "./support/ServerUnderTest.ts"

const server = "https://10.0.0.1:6443"

/** On the real file system, because links and relative paths matter. */
const reading = Effect.fnUntraced(function* (text: string, more: Readonly<Record<string, string>> = {}) {
  const root = yield* directory
  for (const [name, content] of Object.entries(more)) writeFileSync(join(root, name), content)
  const path = join(root, "kubeconfig")
  writeFileSync(path, text)
  const files = yield* Files
  return { root, path, read: readAccess(files, { kubeconfig: path }) }
}, Effect.provide(Files.layer))

const read = (wanted: Partial<Wanted>, more?: Readonly<Record<string, string>>) =>
  Effect.flatMap(reading(kubeconfigText({ server, token: "abc", ...wanted }), more), (made) => made.read)

const problemOf = (text: string, more?: Readonly<Record<string, string>>) =>
  Effect.map(
    Effect.flatMap(reading(text, more), (made) => Effect.flip(made.read)),
    ({ missing, problem }) => ({ missing, problem })
  )

const tokenOf = ({ token }: { readonly token: Redacted.Redacted<string> | undefined }) =>
  token === undefined ? undefined : Redacted.value(token)

describe("a kubeconfig has", () => {
  it.effect("the current context's cluster and user, with everything inline", () =>
    Effect.gen(function* () {
      const access = yield* read({})
      assert.strictEqual(access.server, server)
      assert.strictEqual(tokenOf(access), "abc")
      assert.deepStrictEqual(access.tls, { ca: pem("ca.crt"), client: undefined, verify: true, serverName: undefined })
      assert.deepStrictEqual(access.warnings, [])
      assert.notInclude(JSON.stringify(access), "abc")
    })
  )

  it.effect("the same as JSON, which is YAML too", () =>
    Effect.gen(function* () {
      const config = {
        "current-context": "a",
        contexts: [{ name: "a", context: { cluster: "c", user: "u" } }],
        clusters: [{ name: "c", cluster: { server: `${server}/`, "tls-server-name": "kubernetes" } }],
        users: [{ name: "u", user: { token: "abc", exec: null } }]
      }
      const access = yield* Effect.flatMap(reading(JSON.stringify(config)), (made) => made.read)
      assert.strictEqual(access.server, server)
      assert.strictEqual(access.tls.serverName, "kubernetes")
      assert.isUndefined(access.tls.ca)
    })
  )

  it.effect("files, relative or absolute; a token file has priority over the token", () =>
    Effect.gen(function* () {
      const access = yield* read(
        {
          cluster: ["certificate-authority: ca.pem"],
          user: ["token: old", "tokenFile: token", "client-certificate: c.pem", "client-key: k.pem"]
        },
        { "ca.pem": pem("ca.crt"), token: "new\n", "c.pem": pem("client.crt"), "k.pem": pem("client.key") }
      )
      assert.strictEqual(tokenOf(access), "new")
      assert.strictEqual(access.tls.ca, pem("ca.crt"))
      assert.deepStrictEqual(access.tls.client, { cert: pem("client.crt"), key: pem("client.key") })
    })
  )

  it.effect("data with priority over files", () =>
    Effect.gen(function* () {
      const access = yield* read({
        cluster: ["certificate-authority: /nowhere", `certificate-authority-data: ${base64(pem("ca.crt"))}`]
      })
      assert.strictEqual(access.tls.ca, pem("ca.crt"))
    })
  )

  it.effect("symbolic links, as projected volumes and renewed certificates use", () =>
    Effect.gen(function* () {
      const { path, read: again, root } = yield* reading(kubeconfigText({ server, user: ["tokenFile: token"] }))
      mkdirSync(join(root, "..2026"))
      writeFileSync(join(root, "..2026/token"), "abc")
      symlinkSync("..2026", join(root, "..data"))
      symlinkSync("..data/token", join(root, "token"))
      assert.strictEqual(tokenOf(yield* again), "abc")
      const files = yield* Files
      symlinkSync(path, join(root, "link"))
      assert.strictEqual(tokenOf(yield* readAccess(files, { kubeconfig: join(root, "link") })), "abc")
      symlinkSync("loop", join(root, "loop"))
      assert.match((yield* Effect.flip(readAccess(files, { kubeconfig: join(root, "loop") }))).problem, /ELOOP/)
    }).pipe(Effect.provide(Files.layer))
  )

  it.effect("insecure-skip-tls-verify and http with a warning each; a context without a user", () =>
    Effect.gen(function* () {
      const insecure = yield* read({ cluster: ["insecure-skip-tls-verify: true"] })
      assert.isFalse(insecure.tls.verify)
      assert.match(insecure.warnings.join(), /kubeconfig has insecure-skip-tls-verify.*10\.0\.0\.1/)
      const plain = yield* read({ server: "http://127.0.0.1:8001", cluster: [], user: ["{}"] })
      assert.match(plain.warnings.join(), /without TLS/)
      assert.isUndefined(plain.token)
    })
  )
})

describe("an invalid kubeconfig", () => {
  const good = kubeconfigText({ server, token: "s3cret" })
  const wrong: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["empty", "\n", /is empty/],
    ["a list", "- a\n- b\n", /is not a kubeconfig/],
    ["not YAML", `${good}\n  s3cret: [`, /is not YAML/],
    ["no current context", good.replace(/current-context.*/, ""), /has no current-context/],
    [
      "an unknown context",
      good.replace(/current-context.*/, "current-context: x"),
      /no context "x" \(other, plugin-context\)/
    ],
    [
      "an unknown cluster",
      good.replace("cluster: local\n    user", "cluster: x\n    user"),
      /no cluster "x" \(elsewhere, local\)/
    ],
    ["an unknown user", good.replace('name: "plugin"', "name: nobody"), /no user "plugin" \(nobody\)/],
    ["no users", good.replace(/users:\n(.*\n)*?contexts/, "contexts"), /no user "plugin" \(none at all\)/],
    ["a number for a token", good.replace("token: s3cret", "token: 4711"), /users\.0\.user\.token is invalid/],
    ["no server", good.replace(`server: ${server}`, "server:"), /server "" is not an https:\/\/ URL/],
    ["a server without a scheme", good.replace(server, "10.0.0.1:6443"), /is not an https:\/\/ URL/],
    ["exec", kubeconfigText({ server, user: ["exec: { command: aws }"] }), /its user has exec, and only a token/],
    ["a password", kubeconfigText({ server, user: ["username: admin", "password: s3cret"] }), /its user has username/],
    ["a proxy", kubeconfigText({ server, token: "s3cret", cluster: ["proxy-url: http://p"] }), /proxy-url/],
    ["a certificate without a key", kubeconfigText({ server, user: ["client-certificate: /c"] }), /without its key/],
    [
      "an authority that is no PEM",
      kubeconfigText({ server, token: "s3cret", cluster: ["certificate-authority-data: AAAA"] }),
      /not in PEM form/
    ],
    [
      "a token with blanks",
      kubeconfigText({ server, user: ['token: "s3cret s3cret"'] }),
      /its token is empty or contains blanks/
    ],
    [
      "a token file that is missing",
      kubeconfigText({ server, user: ["tokenFile: /nowhere/token"] }),
      /cannot be read: ENOENT/
    ]
  ]
  it.effect.each(wrong)("%s", ([, text, expected]) =>
    Effect.gen(function* () {
      const { missing, problem } = yield* problemOf(text)
      assert.match(problem, expected)
      assert.notInclude(problem, "s3cret")
      assert.isFalse(missing)
    })
  )

  it.effect("is missing; is a directory; is endless", () =>
    Effect.gen(function* () {
      const files = yield* Files
      const root = yield* directory
      const at = (kubeconfig: string) => Effect.flip(readAccess(files, { kubeconfig }))
      assert.deepStrictEqual(yield* at(`${root}/x`), {
        path: `${root}/x`,
        problem: "cannot be read: ENOENT",
        missing: true
      })
      assert.deepStrictEqual(yield* at(root), { path: root, problem: "cannot be read: EINVAL", missing: false })
      assert.match((yield* at("/dev/zero")).problem, /cannot be read: EINVAL/)
    }).pipe(Effect.provide(Files.layer))
  )
})

describe("without a kubeconfig", () => {
  const variables = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" }

  it("both variables are needed for a service account, and a kubeconfig has priority", () => {
    assert.isUndefined(originOf(undefined, {}))
    assert.isUndefined(originOf(undefined, { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "" }))
    assert.deepStrictEqual(originOf(undefined, variables), { host: "fd00::1", port: "443" })
    assert.deepStrictEqual(originOf("/k", variables), { kubeconfig: "/k" })
  })

  it.effect("the service account of the plugin's own pod", () =>
    Effect.gen(function* () {
      const memory = new FilesMemory.MemoryFiles(["/var/run/secrets/kubernetes.io/serviceaccount"])
      const account = "/var/run/secrets/kubernetes.io/serviceaccount"
      memory.put(`${account}/token`, "file", "abc\n")
      memory.put(`${account}/ca.crt`, "file", pem("ca.crt"))
      const files = yield* Effect.provide(Files, FilesMemory.layer(memory))
      const access = yield* readAccess(files, { host: "fd00::1", port: "443" })
      assert.strictEqual(access.server, "https://[fd00::1]:443")
      assert.strictEqual(tokenOf(access), "abc")
      assert.strictEqual(access.tls.ca, pem("ca.crt"))
    })
  )
})
