/** A memif secret is in the configuration; no error may contain it, because errors reach stdout, events and logs. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { memif, ovs, reading } from "../support/Reading.ts"

const secret = "hunter2"

const saidAbout = (conf: unknown) =>
  Result.match(reading(conf), { onFailure: ({ details, msg }) => `${msg} ${details}`, onSuccess: () => "" })

const withHost = (host: object) => ({ name: "n", host })

describe("the secret is not in the error", () => {
  it.each<[string, unknown]>([
    ["when it is too long", withHost({ ...memif, memif: { role: "master", secret: secret.repeat(4) } })],
    ["when it is not ASCII and too long", withHost({ ...memif, memif: { secret: `${secret}${"ü".repeat(12)}` } })],
    ["when it is in an object", withHost({ ...memif, memif: { role: "master", secret: { secret } } })],
    ["when it is in a list", withHost({ ...memif, memif: { role: "master", secret: [secret] } })],
    ["when its key is misspelled", withHost({ ...memif, memif: { secert: secret } })],
    ["when its key has another case and is beside it", withHost({ ...memif, memif: { secret, Secret: secret } })],
    ["when its section is misspelled", withHost({ ...memif, memiff: { secret } })],
    ["when its section is a list", withHost({ ...memif, memif: [{ secret }] })],
    ["when host is a list", { name: "n", host: [{ memif: { secret } }] }],
    ["when it is in the wrong place", withHost({ ...ovs, secret })],
    ["when container is a list", { name: "n", host: ovs, container: [{ memif: { secret } }] }],
    ["when dns is a list", { name: "n", host: ovs, dns: [{ secret }] }],
    ["when cniVersion is an object", { cniVersion: { secret }, name: "n" }],
    ["when it is no JSON, near the secret", `{"memif": {"secret": ${secret}}}`],
    ["when it is no JSON, in the secret", `{"memif": {"secret": "${secret}\n"}}`]
  ])("%s", (_, conf) => {
    const said = saidAbout(conf)
    assert.notStrictEqual(said, "")
    assert.notInclude(said, secret)
  })

  it("when the secret itself is wrong", () => {
    assert.include(
      saidAbout(withHost({ ...memif, memif: { role: "master", secret: "x".repeat(24) } })),
      "host.memif.secret: (hidden) is not at most 23 bytes"
    )
    assert.include(saidAbout(withHost({ ...memif, memif: { secert: secret } })), "(did you mean secret?)")
    assert.include(saidAbout('{"a": }'), "is not JSON: ")
  })

  const AnyJson = Schema.Json

  it.prop("when another value is wrong", [AnyJson, AnyJson, AnyJson], ([engine, role, container]) => {
    const conf = { name: "n", host: { engine, iftype: "memif", memif: { role, secret } }, container }
    assert.notInclude(saidAbout(conf), secret)
  })
})
