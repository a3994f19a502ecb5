/**
 * The plugin's log when a runtime calls it: the real program in a separate process, on a node in memory. `Log.test.ts`
 * has the format of a line.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ovs } from "../cni/support/Reading.ts"

const directory = mkdtempSync(join(tmpdir(), "logged-"))
afterAll(() => rmSync(directory, { recursive: true }))

const whose = { container: "c0ffee0123456789", netns: "/var/run/netns/c1", interface: "net1", network: "net" }
const variables = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: whose.container,
  CNI_NETNS: whose.netns,
  CNI_IFNAME: whose.interface,
  CNI_PATH: "/opt/cni/bin"
}
const network = {
  cniVersion: "1.0.0",
  name: whose.network,
  sharedDir: "/run/shared",
  host: { ...ovs, netType: "bridge", vhost: { mode: "client" } },
  ipam: { type: "host-local", subnet: "10.9.8.0/24" }
}
/** Warns. */
const deprecated = { ...network, host: { ...network.host, vhost: { mode: "server" } } }

const Document = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))
const Line = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)))

const called = (conf: object, environment: Readonly<Record<string, string>> = {}) => {
  const program = join(import.meta.dirname, "support/memory-plugin.ts")
  const { signal, status, stderr, stdout } = spawnSync(process.execPath, [program], {
    input: JSON.stringify(conf),
    env: { ...variables, ...environment },
    encoding: "utf8",
    timeout: 60_000
  })
  assert.isNull(signal, stderr)
  return { status, document: Document(stdout), lines: stderr.split("\n").slice(0, -1) }
}

/** Lines as objects, of a call that must succeed. */
const logged = (conf: object, environment: Readonly<Record<string, string>> = {}) => {
  const { lines, status } = called({ ...conf, logFormat: "json" }, environment)
  assert.strictEqual(status, 0)
  return lines.map((line) => Line(line))
}

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const traced = logged({ ...deprecated, logLevel: "debug" }, { TRACEPARENT: `00-${traceId}-${spanId}-01` })

describe("every line", () => {
  it("has its attachment, as text", () => {
    const { lines, status } = called({ ...deprecated, logLevel: "verbose" })
    assert.strictEqual(status, 0)
    assert.isAbove(lines.length, 10)
    for (const line of lines) {
      assert.include(line, " container=c0ffee0123456789 netns=/var/run/netns/c1 interface=net1 network=net")
    }
  })

  it("has its attachment, as JSON", () => {
    assert.isAbove(traced.length, 10)
    for (const { container, interface: name, netns, network } of traced) {
      assert.deepStrictEqual({ container, netns, interface: name, network }, whose)
    }
  })

  it("of a failing call has it too, the error included", () => {
    const { document, lines, status } = called({ ...network, logLevel: "info", host: { ...network.host, mtu: 67 } })
    assert.deepStrictEqual([status, document["code"], lines.length], [1, 7, 1])
    assert.include(lines[0], `[error] ${document["msg"]} (${document["details"]}) container=`)
    assert.ok(lines[0]?.endsWith(" container=c0ffee0123456789 netns=/var/run/netns/c1 interface=net1 network=net"))
  })

  it("has it even when the configuration cannot be read", () => {
    const { lines, status } = called({ cniVersion: "9.9.9", name: "net" })
    assert.deepStrictEqual([status, lines.length], [1, 1])
    assert.ok(lines[0]?.endsWith(' container=c0ffee0123456789 netns=/var/run/netns/c1 interface=net1 network=""'))
  })
})

describe("logFile and logFormat", () => {
  it("come from the network: the file has the lines of stderr, call after call", () => {
    const logFile = join(directory, "calls.log")
    const first = logged({ ...deprecated, logFile })
    const second = called({ ...deprecated, logFile }).lines
    assert.deepStrictEqual([first.length, second.length], [1, 1])
    assert.strictEqual(first[0]?.["level"], "warning")
    const [object = "", ...text] = readFileSync(logFile, "utf8").split("\n").slice(0, -1)
    assert.deepStrictEqual(Line(object), first[0])
    assert.deepStrictEqual(text, second)
  })

  it("a file that cannot be written: that line has its attachment, and the call continues", () => {
    const logFile = join(directory, "missing/log")
    const [line, ...others] = logged({ ...network, logFile })
    const { msg = "", time: _, ...rest } = line ?? {}
    assert.include(msg, `logFile ${logFile} cannot be written, logging to stderr only: `)
    assert.deepStrictEqual(rest, { level: "warning", ...whose })
    assert.deepStrictEqual(others, [])
  })
})

describe("logLevel", () => {
  it("defaults to warning: a successful call logs nothing", () => {
    assert.deepStrictEqual(called(network).lines, [])
  })

  it("with an unknown word: one warning, and the call continues", () => {
    const [line, ...others] = logged({ ...network, logLevel: "loud" })
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(
      [line?.["level"], line?.["msg"]],
      ["warning", 'logLevel "loud" is not panic, error, warning, info, debug, verbose: using warning']
    )
  })

  it("with an unknown word is reported by a failing call, too", () => {
    const { lines, status } = called({ ...network, logLevel: "loud", host: { ...network.host, mtu: 67 } })
    assert.deepStrictEqual([status, lines.length], [1, 2])
    assert.include(lines[0], '[warning] logLevel "loud" is not')
    assert.include(lines[1], "[error] ")
  })

  it("of the wrong type is an error of the configuration: path, value, allowed values", () => {
    const { document, lines, status } = called({ ...network, logLevel: 5 })
    assert.deepStrictEqual([status, document["code"], lines.length], [1, 7, 1])
    assert.strictEqual(
      document["msg"],
      "the network configuration is not valid: logLevel: 5 is not panic or error or warning or info or debug or verbose"
    )
  })
})

describe("at debug level", () => {
  const spansIn = (lines: typeof traced) => lines.filter(({ span }) => span !== undefined && span !== "start")

  it("spans belong to the trace of TRACEPARENT, and ADD to its span", () => {
    const spans = spansIn(traced)
    assert.isAbove(spans.length, 8)
    assert.deepStrictEqual([...new Set(spans.map(({ trace }) => trace))], [traceId])
    assert.deepStrictEqual(
      spans.filter(({ parent }) => parent === spanId).map(({ span }) => span),
      ["ADD"]
    )
  })

  it("spans without one are a trace of their own", () => {
    const spans = spansIn(logged({ ...network, logLevel: "verbose" }))
    const [trace, ...others] = new Set(spans.map(({ trace }) => trace))
    assert.match(trace ?? "", /^[0-9a-f]{32}$/)
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(
      spans.filter(({ parent }) => parent === undefined).map(({ span }) => span),
      ["ADD"]
    )
  })

  it("start-up and the whole call have their time; at info nothing has", () => {
    assert.match(traced.find(({ span }) => span === "start")?.["ms"] ?? "", /^\d+\.\d\d$/)
    assert.match(traced.at(-1)?.["msg"] ?? "", /^ADD took \d+\.\d ms since the process started$/)
    assert.deepStrictEqual(logged({ ...network, logLevel: "info" }), [])
  })
})
