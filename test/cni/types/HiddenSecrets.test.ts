/** No output of the plugin contains a secret, whatever fails, and whoever repeats his input. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { hide, secretsIn } from "../../../src/cni/types/Secrets.ts"

const secrets = {
  "memif secret": 'hush<"\\hunter2>',
  token: "eyJhbGciOi.token-of-the-plugin.c2ln",
  "client key": "-----BEGIN EC PRIVATE KEY----- MHcCAQEE",
  "password of an IPAM plugin": "pa$$word-of-the-ipam"
}

describe("a network with secrets", () => {
  const program = join(import.meta.dirname, "../support/tell-everything.ts")
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...Object.values(secrets)], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    timeout: 120_000
  })
  const lines = [...stdout.split("\n"), ...stderr.split("\n")]

  it("is quoted in full otherwise", () => {
    assert.strictEqual(status, 0, stderr.slice(-2000))
    const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length
    assert.isAtLeast(count(/^ADD well/), 4)
    assert.isAtLeast(count(/^ADD failed/), 40)
    assert.isAtLeast(count(/^CHECK well/), 1)
    assert.isAtLeast(count(/\[debug\] time .*span=/), 100)
    assert.isAtLeast(count(/\[debug\] host-local: got /), 4)
    assert.isAtLeast(count(/\(hidden\)/), 10)
    for (const command of ["add", "check", "del", "list", "gc", "container show", "container vpp", "container dpdk"]) {
      assert.isAtLeast(count(new RegExp(`^${command} .*\\w`)), 1, command)
    }
    assert.match(stdout, /^container show .*net1/m)
    assert.match(stdout, /^container vpp .*net1: memif\d+\/0 made/m)
    assert.match(stdout, /^container dpdk .*it has a secret/m)
  })

  // Also in JSON inside JSON, in base64, and the half that a cut would leave.
  const forms = Object.entries(secrets).flatMap(([what, secret]) => {
    const json = JSON.stringify(secret).slice(1, -1)
    return [
      [what, secret],
      [`${what}, as JSON`, json],
      [`${what}, in JSON in JSON`, JSON.stringify(json).slice(1, -1)],
      [`${what}, in base64`, Buffer.from(secret).toString("base64")],
      [`${what}, half of it`, secret.slice(0, Math.ceil(secret.length / 2))]
    ] as const
  })

  it.each(forms)("hides its %s", (_, form) => {
    assert.deepStrictEqual(
      lines.filter((line) => line.includes(form)).map((line) => line.slice(0, 400)),
      []
    )
  })
})

describe("a value is hidden", () => {
  const conf = {
    host: { memif: { secret: "abcdef" } },
    ipam: { api_key: "ghijkl", nested: { token: ["mnopqr"] } },
    x: "y"
  }

  it("under a key that names a secret", () => {
    assert.deepStrictEqual(secretsIn(conf), ["abcdef", "ghijkl", "mnopqr"])
    assert.deepStrictEqual(secretsIn({ secret: "abc" }), [])
    assert.deepStrictEqual(secretsIn("secret"), [])
  })

  it("everywhere in a text, also where it was cut", () => {
    assert.strictEqual(
      hide(["abcdef"], "an abcdef, xabcdefx, abcde... abcd... abc... abcde"),
      "an (hidden), x(hidden)x, (hidden)... (hidden)... abc... abcde"
    )
    assert.strictEqual(
      hide(['a"b<c'], String.raw`{"x":"a\"b<c","y":"a\"b\u003cc","z":"{\"s\":\"a\\\"b<c\"}"}`),
      '{"x":"(hidden)","y":"(hidden)","z":"{\\"s\\":\\"(hidden)\\"}"}'
    )
  })
})
