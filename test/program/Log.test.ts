/**
 * Log lines as an operator reads them: always on stderr, and in a file as well, each on one line with its attachment.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { logOptions } from "../../src/cni/network/LogOptions.ts"

const directory = mkdtempSync(join(tmpdir(), "log-"))
afterAll(() => rmSync(directory, { recursive: true }))

const program = join(import.meta.dirname, "support/log-lines.ts")

const stderrOf = (conf: object, ...args: ReadonlyArray<string>) => {
  const { signal, status, stderr, stdout } = spawnSync(process.execPath, [program, JSON.stringify(conf), ...args], {
    encoding: "utf8",
    timeout: 60_000
  })
  assert.deepStrictEqual([stdout, status, signal], ["", 0, null], stderr)
  return stderr.split("\n").slice(0, -1)
}

const whose = { container: "0958c8871b32", netns: "/n", interface: "net1", network: "" }
const tail = " container=0958c8871b32 netns=/n interface=net1 network="

const inJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)))

describe("text", () => {
  const lines = stderrOf({ logLevel: "info" })

  it("has time, level, message and attachment on every line", () => {
    assert.lengthOf(lines, 5)
    for (const line of lines) {
      assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[[a-z]+\] /)
      assert.include(line, tail)
    }
  })

  it("has the original plugin's names of levels", () => {
    assert.deepStrictEqual(
      lines.map((line) => /\[(\w+)\]/.exec(line)?.[1]),
      ["panic", "error", "warning", "info", "error"]
    )
  })

  it("keeps an event on one line, and has its cause", () => {
    assert.include(lines[1], "[error] an error in two parts ")
    assert.include(lines[2], "[warning] a warning\\non two lines ")
    assert.include(lines[3], 'odd="a \\"b\\"\\nc=d"')
    assert.include(lines[3], "escape=\\u001b[2J\\u009b\\u202e")
    assert.include(lines[4], "it broke")
  })

  it("has the place of an error at debug level only", () => {
    assert.notInclude(lines[4], "log-lines")
    assert.include(stderrOf({ logLevel: "debug" }).join("\n"), "log-lines")
  })
})

describe("JSON", () => {
  const lines = stderrOf({ logLevel: "warning", logFormat: "json" }).map((line) => inJson(line))

  it("has one object per line with the same fields", () => {
    assert.lengthOf(lines, 4)
    const { cause = "", time = "", ...rest } = lines[2] ?? {}
    assert.strictEqual(cause, "")
    assert.match(time, /Z$/)
    assert.deepStrictEqual(rest, { level: "warning", msg: "a warning\non two lines", ...whose })
    assert.include(lines[3]?.["cause"], "it broke")
  })
})

describe("logFile", () => {
  it("is appended to, and readable by root and its group", () => {
    const logFile = join(directory, "both.log")
    writeFileSync(logFile, "before\n")
    const lines = stderrOf({ logFile, logLevel: "error" })
    assert.deepStrictEqual(readFileSync(logFile, "utf8"), ["before", ...lines, ""].join("\n"))
    const made = join(directory, "made.log")
    stderrOf({ logFile: made })
    assert.strictEqual(statSync(made).mode & 0o777, 0o640)
  })

  it.each(["missing/log", "."])("%s cannot be written: one warning, and the lines are on stderr", (name) => {
    const logFile = join(directory, name)
    const said = `logFile ${logFile} cannot be written, logging to stderr only: `
    const [commandLineError = "", ...lines] = stderrOf({ logFile, logLevel: "panic" })
    assert.match(commandLineError, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[warning\] /)
    assert.include(commandLineError, `[warning] ${said}`)
    assert.include(commandLineError, tail)
    assert.lengthOf(lines, 1)

    const [object = "", ...objects] = stderrOf({ logFile, logLevel: "panic", logFormat: "json" })
    const { msg = "", time = "", ...rest } = inJson(object)
    assert.match(time, /Z$/)
    assert.ok(msg.startsWith(said), msg)
    assert.deepStrictEqual(rest, { level: "warning", ...whose })
    assert.lengthOf(objects, 1)
  })

  it("with a secret as its name is not printed", () => {
    const logFile = join(directory, "hunter22/log")
    const [commandLineError = ""] = stderrOf({ logFile, host: { memif: { secret: "hunter22" } } })
    assert.include(commandLineError, "(hidden)/log cannot be written")
    assert.notInclude(commandLineError, "hunter22")
  })

  it("that is a pipe without a reader does not block the call", () => {
    const logFile = join(directory, "pipe")
    execFileSync("mkfifo", [logFile])
    const [commandLineError = "", ...lines] = stderrOf({ logFile, logLevel: "panic" })
    assert.include(commandLineError, `logFile ${logFile} cannot be written`)
    assert.lengthOf(lines, 1)
  })
})

describe("at debug level", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c"
  const lines = stderrOf({ logLevel: "debug" }, `00-${traceId}-b7ad6b7169203331-01`)

  it("each span has a line with its time and the ids of the runtime's trace", () => {
    const span = lines.find((line) => line.includes('span="a step"')) ?? ""
    assert.match(span, / ms=\d+\.\d\d /)
    assert.include(span, ` trace=${traceId} `)
    assert.include(span, " parent=b7ad6b7169203331")
  })

  it("start-up and the whole call have one as well", () => {
    assert.ok(lines.some((line) => /\[debug\] time ms=\d+\.\d\d span=start|span=start ms=\d+\.\d\d/.test(line)))
    assert.ok(lines.some((line) => /ADD took \d+\.\d ms since the process started/.test(line)))
  })
})

describe("logLevel", () => {
  it.each([
    ["panic", "Fatal"],
    ["error", "Error"],
    ["warning", "Warn"],
    ["info", "Info"],
    ["debug", "Debug"],
    ["verbose", "Trace"],
    ["DEBUG", "Debug"]
  ])("%s is Effect's %s", (logLevel, level) => {
    const options = logOptions({ logLevel })
    assert.strictEqual(options.level, level)
    assert.deepStrictEqual(options.warnings, [])
  })

  it("is warning when it is absent", () => {
    assert.deepStrictEqual(logOptions({}), {
      file: undefined,
      level: "Warn",
      format: "text",
      warnings: [],
      secrets: []
    })
  })

  it.each(["loud", "warn", ""])("%j is warning, with a warning that lists the levels", (logLevel) => {
    const { level, warnings } = logOptions({ logLevel })
    assert.strictEqual(level, "Warn")
    assert.deepStrictEqual(warnings, [
      `logLevel ${JSON.stringify(logLevel)} is not panic, error, warning, info, debug, verbose: using warning`
    ])
  })

  // `Logged.test.ts` has an error.
  it.each([5, {}, ["debug"], true])("%j is warning", (logLevel) => {
    const { level, warnings } = logOptions({ logLevel })
    assert.deepStrictEqual([level, warnings], ["Warn", []])
  })

  it("with an unknown value does not suppress lines", () => {
    const lines = stderrOf({ logLevel: "loud" })
    assert.include(lines.at(-1), "[warning] logLevel ")
    assert.lengthOf(lines, 5)
  })
})
