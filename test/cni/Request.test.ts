/** Verbs, versions and environment: what is served, and what is refused with which code. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Result } from "effect"
import { readRequest } from "../../src/cni/Request.ts"
import { type CniVersion, isVerb, supportedVersions, type Verb, verbs } from "../../src/cni/types/Versions.ts"

/** The table of the specification (1.1.0, section 2), repeated to verify `Versions.ts`. */
const specification: Readonly<Record<Verb, { readonly since: CniVersion; readonly requires: ReadonlyArray<string> }>> =
  {
    ADD: { since: "0.1.0", requires: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] },
    DEL: { since: "0.1.0", requires: ["CNI_CONTAINERID", "CNI_IFNAME"] },
    CHECK: { since: "0.4.0", requires: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] },
    GC: { since: "1.1.0", requires: ["CNI_PATH"] },
    STATUS: { since: "1.1.0", requires: [] },
    VERSION: { since: "0.1.0", requires: [] }
  }
const releases = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]

const variables = {
  CNI_CONTAINERID: "0958c8871b32cafe",
  CNI_NETNS: "/var/run/netns/a",
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin"
}

const attachmentVerbs = ["ADD", "DEL", "CHECK"] as const
const networkVerbs = ["GC", "STATUS"] as const
/** Variables of an attachment. */
const ofAttachment = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]

/** `served`, or the error code. */
const verdict = (verb: string, environment: Readonly<Record<string, string | undefined>>, conf: unknown) =>
  Result.match(
    readRequest({ ...environment, CNI_COMMAND: verb }, typeof conf === "string" ? conf : JSON.stringify(conf)).asked,
    {
      onFailure: ({ code, details, msg }) => ({ code, msg, details }),
      onSuccess: ({ verb }) => ({ code: "served", msg: verb, details: "" })
    }
  )

it("the tables match the specification", () => {
  assert.deepStrictEqual<unknown>(verbs, specification)
  assert.deepStrictEqual<unknown>(supportedVersions, releases)
})

describe.each([...attachmentVerbs, ...networkVerbs])("%s", (verb) => {
  const cniVersion = verbs[verb].since

  it.each(releases)("with cniVersion %s", (cniVersion) => {
    const { code, msg } = verdict(verb, variables, { cniVersion, name: "n" })
    if (releases.indexOf(cniVersion) >= releases.indexOf(verbs[verb].since)) {
      assert.deepStrictEqual([code, msg], ["served", verb])
    } else {
      assert.strictEqual(code, 1)
      assert.include(msg, `CNI_COMMAND=${verb} needs cniVersion ${verbs[verb].since}`)
      assert.include(msg, cniVersion)
    }
  })

  it.each(Object.keys(variables))("without %s", (name) => {
    const needed = specification[verb].requires.includes(name)
    for (const value of [undefined, ""]) {
      const { code, msg } = verdict(verb, { ...variables, [name]: value }, { cniVersion, name: "n" })
      assert.strictEqual(code, needed ? 4 : "served")
      if (needed) assert.include(msg, name)
    }
  })

  it("names all missing variables at once, and no others", () => {
    const { code, msg } = verdict(verb, {}, { cniVersion, name: "n" })
    assert.strictEqual(code, specification[verb].requires.length === 0 ? "served" : 4)
    for (const name of Object.keys(variables)) {
      assert.strictEqual(msg.includes(name), specification[verb].requires.includes(name), `${name} in: ${msg}`)
    }
  })
})

describe("a call for no attachment", () => {
  it.each(networkVerbs)("%s has no attachment, and names the variable that does not look like one", (verb) => {
    const alone = Object.fromEntries(Object.entries(variables).filter(([name]) => !ofAttachment.includes(name)))
    const empty = Object.fromEntries(ofAttachment.map((name) => [name, ""]))
    const conf = { cniVersion: "1.1.0", name: "n", prevResult: "of nobody" }
    for (const environment of [alone, { ...alone, ...empty }, variables]) {
      assert.strictEqual(verdict(verb, environment, conf).code, "served")
    }
    assert.strictEqual(verdict(verb, { ...alone, CNI_CONTAINERID: "/" }, conf).code, 4)
  })

  it("VERSION is answered before any validation", () => {
    const { code, msg } = verdict("VERSION", variables, { cniVersion: "1.1.0", name: "n" })
    assert.deepStrictEqual([code, msg], [4, "CNI_COMMAND=VERSION is no call for a network"])
  })

  it.each(["", "add", "ADD ", "toString", "__proto__", "A".repeat(400)])("%j is no verb", (verb) => {
    const { code, details, msg } = verdict(verb, variables, { cniVersion: "1.1.0", name: "n" })
    assert.strictEqual(code, 4)
    assert.include(msg, "CNI_COMMAND=")
    assert.isBelow(msg.length, 200)
    for (const known of Object.keys(specification)) assert.include(details, known)
    assert.isFalse(isVerb(verb))
  })
})

describe("cniVersion", () => {
  it.each([undefined, null, ""])("%j is read as 0.1.0, as in libcni", (cniVersion) => {
    const conf = { cniVersion, name: "n" }
    assert.strictEqual(verdict("ADD", variables, conf).code, "served")
    assert.include(verdict("CHECK", variables, conf).msg, "0.1.0")
  })

  it.each(["0.0.1", "0.3.2", "1.2.0", "2.0.0", "1.0", "v1.0.0", " 1.0.0", 1, {}, [["1.0.0"]], false])(
    "%j is refused with the supported versions",
    (cniVersion) => {
      const { code, details, msg } = verdict("ADD", variables, { cniVersion, name: "n" })
      assert.strictEqual(code, 1)
      assert.strictEqual(msg, `cniVersion: ${JSON.stringify(cniVersion)} is not supported`)
      for (const version of releases) assert.include(details, version)
    }
  )
})

describe("stdin", () => {
  it.each([
    ["", "is empty"],
    [" \n", "is empty"],
    ["{", "is not JSON"],
    ['{"cniVersion": "1.0.0",}', "is not JSON"],
    ["\ufeff{}", "is not JSON"],
    ["null", "is not a JSON object"],
    ["[]", "is not a JSON object"],
    ['"{}"', "is not a JSON object"],
    ["7", "is not a JSON object"]
  ])("%j %s", (text, came) => {
    for (const verb of [...attachmentVerbs, ...networkVerbs]) {
      const { code, details, msg } = verdict(verb, variables, text)
      assert.strictEqual(code, 6)
      assert.include(msg, `stdin ${came}`)
      assert.notStrictEqual(details, "")
    }
  })

  it("is validated after the environment, as in Go's skeleton", () => {
    assert.strictEqual(verdict("ADD", {}, "not JSON").code, 4)
  })
})

describe("a request", () => {
  const conf = { cniVersion: "0.4.0", name: "n", logLevel: "debug", stateDir: "/state", host: { engine: "no switch" } }
  const asked = (verb: string, more: object = {}) =>
    readRequest({ ...variables, CNI_COMMAND: verb }, JSON.stringify({ ...conf, ...more }))

  it("that is refused has the version of its answer, its log and its names", () => {
    const { asked: judged, command, log, version, whose } = asked("NOTHING")
    assert.isTrue(Result.isFailure(judged))
    assert.strictEqual(command, "NOTHING")
    assert.strictEqual(version, "0.4.0")
    assert.strictEqual(log.level, "Debug")
    assert.deepStrictEqual(whose, {
      container: variables.CNI_CONTAINERID,
      netns: variables.CNI_NETNS,
      interface: variables.CNI_IFNAME,
      network: "n"
    })
  })

  it("whose text is not JSON is answered in the newest version, with the names of the environment", () => {
    const { log, version, whose } = readRequest({ ...variables, CNI_COMMAND: "ADD" }, "{")
    assert.strictEqual(version, "1.1.0")
    assert.strictEqual(log.level, "Warn")
    assert.strictEqual(whose.container, variables.CNI_CONTAINERID)
    assert.strictEqual(whose.network, "")
  })

  it.effect("has its state directory before its configuration is validated, which is when it is asked for", () =>
    Effect.gen(function* () {
      const { configuration, stateDir } = Result.getOrThrow(asked("DEL").asked)
      assert.strictEqual(stateDir, "/state")
      const { code, msg } = yield* Effect.flip(configuration)
      assert.strictEqual(code, 7)
      assert.include(msg, "host.engine")
    })
  )

  it.each([undefined, "relative", "", 7, null])("whose stateDir is %j has the default one", (stateDir) => {
    assert.strictEqual(Result.getOrThrow(asked("DEL", { stateDir }).asked).stateDir, "/var/lib/cni/usrspcni")
  })

  it.effect("of a network gives its configuration likewise", () =>
    Effect.gen(function* () {
      const host = { engine: "ovs-dpdk", iftype: "vhostuser" }
      const { configuration } = Result.getOrThrow(asked("STATUS", { cniVersion: "1.1.0", host }).asked)
      const exit = yield* Effect.exit(configuration)
      assert.isTrue(Exit.isSuccess(exit))
    })
  )
})
