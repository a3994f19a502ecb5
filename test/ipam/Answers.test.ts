/** The possible answers of a delegate, and their meaning: a result, or an error with what came back. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { Ipam } from "../../src/ipam/Ipam.ts"
import { asked } from "./support/Asked.ts"
import { directory, install, real } from "./support/Plugin.ts"

const installed = Effect.fnUntraced(function* (lines: string, mode?: number) {
  const path = yield* directory
  install(path, "plug-in", lines, mode)
  return asked([path])
})

/** Prints `document` and exits with `status`. */
const printing = (document: string, status = 0) =>
  installed(`cat >/dev/null; cat <<'END'\n${document}\nEND\nexit ${status}`)

const refusing = (code: number, msg: string, details = "") => printing(JSON.stringify({ code, msg, details }), 1)

const said = Effect.fnUntraced(function* (lines: ReturnType<typeof printing>) {
  const ipam = yield* Ipam
  const error = yield* Effect.flip(ipam.add(yield* lines))
  assert.isNotEmpty(error.cure)
  return { code: error.code, failed: error.failed.replace("IPAM plugin plug-in ADD: ", "") }
})

const { IpamFailed, TryAgainLater } = ErrorCodes

layer(real, { excludeTestServices: true })("the answer of an IPAM plugin", (it) => {
  it.effect("is kept complete: addresses, gateways, routes with their extra fields, DNS", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const answer = {
        cniVersion: "1.1.0",
        ips: [{ address: "10.0.0.5/24", gateway: "10.0.0.1" }, { address: "fd00::5/64" }],
        routes: [{ dst: "0.0.0.0/0", mtu: 1400, priority: 5 }],
        dns: { nameservers: ["10.0.0.53"], search: ["example.org"] }
      }
      const result = yield* ipam.add(yield* printing(JSON.stringify(answer)))
      assert.deepStrictEqual(result, { interfaces: [], ips: answer.ips, routes: answer.routes, dns: answer.dns })
    })
  )

  it.effect("may have the form of an old version", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const old = {
        cniVersion: "0.2.0",
        ip4: { ip: "10.0.0.5/24", gateway: "10.0.0.1", routes: [{ dst: "0.0.0.0/0" }] }
      }
      const { ips, routes } = yield* ipam.add(yield* printing(JSON.stringify(old)))
      assert.deepStrictEqual(ips, [{ address: "10.0.0.5/24", gateway: "10.0.0.1" }])
      assert.deepStrictEqual(routes, [{ dst: "0.0.0.0/0" }])
    })
  )

  it.effect.each([
    ["nothing", "", 'returned an invalid result: "\\n"'],
    ["no JSON", "hello", 'returned an invalid result: "hello\\n"'],
    ["an array", "[]", 'returned an invalid result: "[]\\n"'],
    ["the wrong types", '{"ips":[{"address":5}]}', "returned an invalid result: "],
    ["two documents", '{"ips":[]}{}', "returned an invalid result: "],
    ["no address", '{"cniVersion":"1.0.0"}', "returned no address"],
    ["an empty list", '{"cniVersion":"1.0.0","ips":[]}', "returned no address"]
  ])("is refused when it is %s", ([, document, wanted]) =>
    Effect.gen(function* () {
      const { code, failed } = yield* said(printing(String(document)))
      assert.strictEqual(code, IpamFailed)
      assert.isTrue(failed.startsWith(String(wanted)), failed)
    })
  )

  it.effect("is cut in a quotation when it is long", () =>
    Effect.gen(function* () {
      const { failed } = yield* said(printing("x".repeat(5000)))
      assert.isBelow(failed.length, 300)
    })
  )

  it.effect("is used as an error document when it is one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* said(refusing(999, "no IP addresses available", "pool p")), {
        code: IpamFailed,
        failed: "code 999: no IP addresses available; pool p"
      })
    })
  )

  it.effect("that is an error, or no result, is reported with the last lines of stderr", () =>
    Effect.gen(function* () {
      const loud = (document: string, status: number) =>
        installed(`cat >/dev/null; echo why >&2; cat <<'END'\n${document}\nEND\nexit ${status}`)
      const { failed } = yield* said(loud('{"code":999,"msg":"no"}', 1))
      assert.strictEqual(failed, 'code 999: no; on stderr: "why"')
      assert.strictEqual((yield* said(loud("{}", 0))).failed, 'returned no address; on stderr: "why"')
    })
  )

  it.effect("with code 11 keeps that code", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* said(refusing(11, "busy")), { code: TryAgainLater, failed: "code 11: busy" })
    })
  )

  it.effect.each([
    ["exit 3", "ended with exit status 3 and no error document"],
    ["seq 9 >&2; exit 1", 'ended with exit status 1 and no error document: "1\\n...\\n6\\n7\\n8\\n9"'],
    ["echo it broke >&2; exit 1", 'ended with exit status 1 and no error document: "it broke"'],
    ["echo panic; exit 2", 'ended with exit status 2 and no error document: "panic"'],
    ["kill -KILL $$", "ended with SIGKILL and no error document"],
    ['echo \'{"ips":[{"address":"10.0.0.5/24"}]}\'; exit 1', "ended with exit status 1 and no error document"]
  ])("is its exit status or signal when there is none: %s", ([script, wanted]) =>
    Effect.gen(function* () {
      const { code, failed } = yield* said(installed(String(script)))
      assert.strictEqual(code, IpamFailed)
      assert.isTrue(failed.startsWith(String(wanted)), failed)
    })
  )

  it.effect("is the system's error when it cannot be started", () =>
    Effect.gen(function* () {
      const { code, failed } = yield* said(installed("exit 0", 0o644))
      assert.deepStrictEqual({ code, failed }, { code: IpamFailed, failed: "could not be run: EACCES" })
    })
  )

  it.effect.each([
    ["whereabouts", 999, "not implemented"],
    ["Go's skeleton", 4, "unknown CNI_COMMAND: CHECK"],
    ["Go's skeleton, version", 1, "config version does not allow CHECK"]
  ])("that it does not know the verb is accepted on CHECK only: %s", ([, code, msg]) =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const delegation = yield* refusing(Number(code), String(msg))
      yield* ipam.check(delegation)
      assert.include((yield* Effect.flip(ipam.add(delegation))).failed, `code ${code}: ${msg}`)
      assert.include((yield* Effect.flip(ipam.del(delegation))).failed, `code ${code}: ${msg}`)
    })
  )

  it.effect.each([
    [3, "container unknown"],
    [4, "required env variables [CNI_NETNS] missing"],
    [999, "address 10.0.0.5 is held by another"],
    [100, "the pool does not support this address"],
    [100, "the policy does not allow CHECK of this pool"]
  ])("that reports a difference fails CHECK: code %i, %s", ([code, msg]) =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const error = yield* Effect.flip(ipam.check(yield* refusing(Number(code), String(msg))))
      assert.strictEqual(error.failed, `IPAM plugin plug-in CHECK: code ${code}: ${msg}`)
    })
  )

  it.effect("to DEL, CHECK, GC and STATUS may be empty", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const delegation = yield* printing("")
      for (const call of [ipam.del, ipam.check, ipam.gc, ipam.status]) yield* call(delegation)
    })
  )

  /** Known real plugins; each reports an unknown verb in another way. */
  const unknown = {
    "Go's skeleton from 1.2 on, with versions up to 1.0.0": { code: 1, msg: "plugin version does not allow VERB" },
    "Go's skeleton from 0.8 to 1.1: it wants a container id first": { code: 3, msg: "missing containerID" },
    "Go's skeleton before": { code: 100, msg: "unknown CNI_COMMAND: VERB" },
    "Go's skeleton, with a container id": { code: 4, msg: "unknown CNI_COMMAND: VERB" },
    "whereabouts, of CHECK": { code: 999, msg: "CNI VERB method is not implemented" }
  }

  /** Answers VERSION as any plugin does. */
  const speaking = (versions: ReadonlyArray<string>, code: number, msg: string) =>
    installed(
      [
        "cat >/dev/null",
        `[ "$CNI_COMMAND" != VERSION ] || { echo '${JSON.stringify({ supportedVersions: versions })}'; exit; }`,
        `printf '{"code":%s,"msg":"%s"}' ${code} "$(echo '${msg}' | sed "s/VERB/$CNI_COMMAND/")"; exit 1`
      ].join("\n")
    )

  it.effect.each(Object.entries(unknown))("to GC and STATUS may be that it does not know the verb: %s", ([, said]) =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const delegation = yield* speaking(["0.4.0", "1.0.0"], said.code, said.msg)
      yield* ipam.gc(delegation)
      yield* ipam.status(delegation)
    })
  )

  it.effect("to STATUS is a failure when it is too old for the network, as ADD would find", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const delegation = {
        ...(yield* speaking(["0.4.0", "1.0.0"], 3, "missing containerID")),
        configuration: '{"cniVersion":"1.1.0","name":"n"}'
      }
      yield* ipam.gc(delegation)
      const error = yield* Effect.flip(ipam.status(delegation))
      assert.strictEqual(
        error.failed,
        "IPAM plugin plug-in STATUS: supports cniVersion 0.4.0, 1.0.0, but the network has 1.1.0"
      )
      assert.include(error.cure, "install a newer plug-in")
    })
  )

  it.effect.each([
    [3, "container unknown"],
    [50, "the address pool cannot be reached"],
    [51, "it is down"],
    [50, "the API server does not allow reading ippools"],
    [999, "address 10.0.0.5 is held by another"],
    [100, "the pool does not support this address"],
    [100, "the policy does not allow CHECK of this pool"]
  ])("to GC and STATUS is a failure otherwise: code %i, %s", ([code, msg]) =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const delegation = yield* refusing(Number(code), String(msg))
      const failures = yield* Effect.all([Effect.flip(ipam.gc(delegation)), Effect.flip(ipam.status(delegation))])
      assert.deepStrictEqual(
        failures.map(({ failed }) => failed),
        ["GC", "STATUS"].map((verb) => `IPAM plugin plug-in ${verb}: code ${code}: ${msg}`)
      )
      const missing = yield* refusing(3, "missing containerID")
      yield* Effect.flip(ipam.check(missing))
      yield* Effect.flip(ipam.del(missing))
    })
  )
})
