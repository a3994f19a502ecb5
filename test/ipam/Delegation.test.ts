/** How a delegate is found, what it gets, and how it is ended. Real programs, real processes. */
import { execFileSync, spawn } from "node:child_process"
import * as Fs from "node:fs"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, References } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { Ipam } from "../../src/ipam/Ipam.ts"
import { Deadlines } from "../../src/program/Step.ts"
import { untilTrue } from "../support/Until.ts"
import { asked } from "./support/Asked.ts"
import { directory, install, real } from "./support/Plugin.ts"

const oneAddress = `echo '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.5/24"}]}'`

const isThere = (path: string) => Fs.existsSync(path) && Fs.readFileSync(path, "utf8").endsWith("\n")

/** Not even a zombie is left. */
const gone = (pidFile: string) =>
  untilTrue(`${pidFile} gone`, () => !Fs.existsSync(`/proc/${Fs.readFileSync(pidFile, "utf8").trim()}`))

const deadline = (seconds: number) =>
  Effect.provideService(Deadlines, { ipam: seconds, undo: 15, status: 4, total: 90 })

layer(real, { excludeTestServices: true })("an IPAM plugin as a process", (it) => {
  it.effect("is the first of its name along CNI_PATH", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const [none, first, second] = [yield* directory, yield* directory, yield* directory]
      install(first, "plug-in", oneAddress)
      install(second, "plug-in", "exit 9")
      const { ips } = yield* ipam.add(asked([`${none}/missing`, none, first, second]))
      assert.deepStrictEqual(ips, [{ address: "10.0.0.5/24" }])
    })
  )

  it.effect("is not a directory of its name", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const [first, second] = [yield* directory, yield* directory]
      Fs.mkdirSync(`${first}/plug-in`)
      install(second, "plug-in", oneAddress)
      yield* ipam.add(asked([first, second]))
    })
  )

  it.effect("may be a symbolic link", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const [first, second] = [yield* directory, yield* directory]
      Fs.symlinkSync(install(second, "elsewhere", oneAddress), `${first}/plug-in`)
      yield* ipam.add(asked([first]))
    })
  )

  it.effect("gets the environment, with its own verb, and the whole configuration", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      install(path, "plug-in", `env >"$0.env"; cat >"$0.stdin"; ${oneAddress}`)
      const configuration = JSON.stringify({ name: "n", unknown: { keys: [1, "é🚀"] }, long: "x".repeat(300_000) })
      const delegation = asked([path], configuration)
      for (const verb of ["ADD", "CHECK", "DEL"] as const) {
        yield* verb === "ADD" ? ipam.add(delegation) : verb === "DEL" ? ipam.del(delegation) : ipam.check(delegation)
        const lines = Fs.readFileSync(`${path}/plug-in.env`, "utf8").split("\n")
        // The shell adds these.
        const own = lines.filter((line) => line !== "" && !/^(PWD|SHLVL|_|OLDPWD)=/.test(line)).sort()
        const { ABSENT: _, ...variables } = delegation.variables
        const wanted = Object.entries({ ...variables, CNI_COMMAND: verb }).map(([name, value]) => `${name}=${value}`)
        assert.deepStrictEqual(own, wanted.sort())
        assert.strictEqual(Fs.readFileSync(`${path}/plug-in.stdin`, "utf8"), configuration)
      }
    })
  )

  it.effect("need not read its input", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      install(path, "plug-in", `exec <&-; ${oneAddress}`)
      yield* ipam.add(asked([path], JSON.stringify({ long: "x".repeat(3_000_000) })))
    })
  )

  it.effect("has its stderr in the log, line by line", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      install(path, "plug-in", `echo one >&2; echo; printf 'two\\n\\nthree' >&2; ${oneAddress}`)
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ logLevel, message }) => void lines.push(`${logLevel} ${message}`))
      yield* Effect.provide(ipam.add(asked([path])), Logger.layer([logger]))
      assert.deepStrictEqual(lines, ["Debug plug-in: one", "Debug plug-in: two", "Debug plug-in: three"])
    }).pipe(Effect.provideService(References.MinimumLogLevel, "Debug"))
  )

  it.effect("that succeeds logs nothing at the default level, whatever it writes", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      install(path, "plug-in", `seq 100 >&2; ${oneAddress}`)
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
      yield* Effect.provide(ipam.add(asked([path])), Logger.layer([logger]))
      assert.deepStrictEqual(lines, [])
    })
  )

  it.effect("has less than a minute, because whereabouts' DEL then reports success", () =>
    Effect.map(Deadlines, ({ ipam }) => assert.isBelow(ipam, 60))
  )

  it.effect("that is killed at its deadline has its last output in the error, without secrets", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      const secret = "hunter22"
      const script = `seq 50 >&2; echo "dial tcp: connection refused (${secret})" >&2; echo >"$0.said"; exec sleep 600`
      install(path, "plug-in", script)
      const configuration = JSON.stringify({ host: { memif: { secret } } })
      // A longer wait, until it has printed: on a busy machine a process does not start at once.
      for (let seconds = 0.25; !isThere(`${path}/plug-in.said`); seconds *= 2) {
        const { failed } = yield* Effect.flip(ipam.add(asked([path], configuration))).pipe(deadline(seconds))
        if (!isThere(`${path}/plug-in.said`)) continue
        assert.match(
          failed,
          /it was killed; on stderr: "1\\n\.\.\.\\n48\\n49\\n50\\ndial tcp: connection refused \(\(hidden\)\)"$/
        )
        assert.notInclude(failed, secret)
      }
    })
  )

  it.effect("is killed at its deadline, also when it does not listen to signals, and leaves no zombie", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      install(path, "plug-in", `trap '' TERM INT HUP; echo $$ >"$0.pid"; exec sleep 600`)
      // A longer wait, until its first command: on a busy machine a process does not start at once.
      for (let seconds = 0.25; !isThere(`${path}/plug-in.pid`); seconds *= 2) {
        const error = yield* Effect.flip(ipam.add(asked([path]))).pipe(deadline(seconds))
        assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
        assert.strictEqual(error.failed, `IPAM plugin plug-in ADD: no answer within ${seconds} s; it was killed`)
      }
      yield* gone(`${path}/plug-in.pid`)
    })
  )

  it.effect("that runs when the call is interrupted is waited for", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      install(path, "plug-in", `echo 10.0.0.5 >"$0.address"; sleep 0.2; echo mine >"$0.owner"; ${oneAddress}`)
      const fiber = yield* Effect.forkChild(ipam.add(asked([path])))
      yield* untilTrue("the plugin runs", () => isThere(`${path}/plug-in.address`))
      yield* Fiber.interrupt(fiber)
      assert.isTrue(isThere(`${path}/plug-in.owner`))
    })
  )

  it.effect("is killed when the call is interrupted", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      install(path, "plug-in", `echo $$ >"$0.pid"; exec sleep 600`)
      const ended = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        Effect.onInterrupt(ipam.add(asked([path])), () => Deferred.succeed(ended, undefined))
      )
      yield* untilTrue("the plugin runs", () => isThere(`${path}/plug-in.pid`))
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(ended)
      yield* gone(`${path}/plug-in.pid`)
    })
  )

  for (const stream of ["1", "2"]) {
    it.effect(`is killed when it writes without end on ${stream}`, () =>
      Effect.gen(function* () {
        const ipam = yield* Ipam
        const path = yield* directory
        install(path, "plug-in", `echo $$ >"$0.pid"; exec yes >&${stream}`)
        const more = '; on stderr: "y\\n...\\ny\\ny\\ny\\ny"'
        const error = yield* Effect.flip(ipam.add(asked([path])))
        assert.strictEqual(error.code, ErrorCodes.IpamFailed)
        assert.strictEqual(
          error.failed,
          `IPAM plugin plug-in ADD: could not be run: TOOBIG${stream === "2" ? more : ""}`
        )
        yield* gone(`${path}/plug-in.pid`)
      })
    )
  }

  const waiting = (path: string) => install(path, "plug-in", `echo $$ >"$0.pid"; read -r x <"$0.fifo"; :`)
  const environment = (path: string, verb: string) => ({ ...asked([path]).variables, CNI_COMMAND: verb })
  const pidIn = (path: string) => Number(Fs.readFileSync(`${path}/plug-in.pid`, "utf8"))

  /** A plugin that survives a kill of its caller: with its environment, and without a parent. */
  const orphan = (path: string, verb: string) =>
    Effect.acquireRelease(
      Effect.gen(function* () {
        const env = { ...environment(path, verb), PATH: "/usr/bin:/bin" }
        execFileSync("sh", ["-c", '"$0" &', waiting(path)], { env, stdio: "ignore" })
        yield* untilTrue("pid", () => isThere(`${path}/plug-in.pid`))
        return pidIn(path)
      }),
      (pid) => Effect.ignore(Effect.try(() => process.kill(pid, "SIGKILL")))
    )

  it.effect("of a running ADD of this process is not a surviving one", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      execFileSync("mkfifo", [`${path}/plug-in.fifo`])
      yield* Effect.acquireRelease(
        Effect.sync(() => spawn(waiting(path), { env: environment(path, "ADD"), stdio: "ignore" })),
        (child) => Effect.sync(() => void child.kill("SIGKILL"))
      )
      yield* untilTrue("pid", () => isThere(`${path}/plug-in.pid`))
      yield* deadline(0.1)(ipam.ended(asked([path])))
    })
  )

  it.effect("of an ADD whose caller was killed is waited for, and no other", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      execFileSync("mkfifo", [`${path}/plug-in.fifo`])
      const other = yield* orphan(path, "DEL")
      yield* ipam.ended(asked([path]))
      Fs.rmSync(`${path}/plug-in.pid`)
      yield* orphan(path, "ADD")
      const another = { ...asked([path]), variables: { ...asked([path]).variables, CNI_IFNAME: "net10" } }
      yield* ipam.ended(another)
      const told = yield* Deferred.make<unknown>()
      const logger = Logger.make<unknown, void>(({ message }) => void Effect.runSync(Deferred.succeed(told, message)))
      const waits = yield* Effect.forkChild(Effect.provide(ipam.ended(asked([path])), Logger.layer([logger])))
      assert.include(String(yield* Deferred.await(told)), "waiting for plug-in (pid ")
      assert.isUndefined(waits.pollUnsafe())
      process.kill(other, "SIGKILL")
      Fs.writeFileSync(`${path}/plug-in.fifo`, "\n")
      yield* Fiber.join(waits)
      yield* gone(`${path}/plug-in.pid`)
    })
  )

  it.effect("of an ADD whose caller was killed is not waited for without end", () =>
    Effect.gen(function* () {
      const ipam = yield* Ipam
      const path = yield* directory
      execFileSync("mkfifo", [`${path}/plug-in.fifo`])
      const pid = yield* orphan(path, "ADD")
      const error = yield* Effect.flip(deadline(0.1)(ipam.ended(asked([path]))))
      assert.strictEqual(error.code, ErrorCodes.TryAgainLater)
      assert.strictEqual(
        error.failed,
        `IPAM plugin plug-in ADD: started by a killed ADD, and still running after 0.1 s (pid ${pid})`
      )
      assert.include(error.cure, "kill that process")
    })
  )
})
