/**
 * The process of a call beside an agent that says what a case has it say: the one in TypeScript and the one in C do the
 * same. The executable that goes on for the one in C runs from source. Nothing here needs root.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import type { Socket } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { directory, hasSanitizers, repository, sources, unless, withSanitizers } from "./support/Compiled.ts"
import { type Agent, type Outcome, run, type Started } from "./support/Peer.ts"

const bun = `${repository}/node_modules/.bin/bun`
const fromSource = [bun, `${repository}/src/main.ts`]

class Client extends Context.Service<Client, { readonly words: ReadonlyArray<string>; readonly directory: string }>()(
  "userspace-cni/test/Client"
) {}

const inTypeScript = Layer.effect(
  Client,
  Effect.map(directory, (at) => ({ words: fromSource, directory: at }))
)

const inC = Layer.effect(
  Client,
  Effect.gen(function* () {
    const at = yield* directory
    const program = `${at}/userspace`
    if (hasSanitizers) yield* withSanitizers(program, ...sources)
    mkdirSync(`${at}/.userspace`)
    const script = `#!/bin/sh\nexec ${fromSource.join(" ")} "$@"\n`
    writeFileSync(`${at}/.userspace/userspace`, script)
    chmodSync(`${at}/.userspace/userspace`, 0o755)
    return { words: [program], directory: at }
  })
)

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
const body = (...lines: ReadonlyArray<object>) =>
  head + lines.map((line) => chunk(`${JSON.stringify(line)}\n`)).join("")
const whole = (...lines: ReadonlyArray<object>) => `${body(...lines)}0\r\n\r\n`

/** An agent that answers so, and leaves. */
const answers = (text: string): Agent => ({ called: (socket) => void socket.end(text) })
const leaves: Agent = { called: (socket) => socket.destroy() }

const document = (text: string): { readonly code?: unknown; readonly msg?: unknown } => Object(JSON.parse(text))

/** No container id: a call that a process makes itself fails at once, and nowhere else are these words. */
const madeAlone = ({ status, stdout }: Outcome) => {
  assert.strictEqual(status, 1)
  assert.match(String(document(stdout).msg), /needs CNI_CONTAINERID/)
}

interface Case {
  readonly command?: string
  readonly stdin?: string
  readonly agent: Agent
  readonly mode?: number
  readonly environment?: Readonly<Record<string, string>>
  readonly expects: (outcome: Outcome & { readonly heard: Parameters<Agent["called"]>[1] }) => void
}

const odd = 'é 😀 "quoted" \\ \t\n\u0001\u007f'
const longStdin = JSON.stringify({ cniVersion: "1.0.0", padding: "x".repeat(5 << 20) })

const pieces = (socket: Socket, text: string) => {
  const bytes = Buffer.from(text)
  let at = 0
  const next = (): void => {
    if (at === bytes.length) return void socket.end()
    socket.write(bytes.subarray(at, ++at), () => setImmediate(next))
  }
  socket.setNoDelay(true)
  next()
}

const cases: Readonly<Record<string, Case>> = {
  "hands over environment and stdin as they are": {
    stdin: odd,
    environment: { ODD: odd, EMPTY: "" },
    agent: answers(whole({ status: 0, document: "{}" })),
    expects: ({ heard, status, stdout }) => {
      assert.deepStrictEqual([status, stdout], [0, "{}\n"])
      const { environment, stdin } = Object(JSON.parse(heard.bodies[0] ?? ""))
      assert.deepStrictEqual(
        [environment.ODD, environment.EMPTY, environment.CNI_COMMAND, stdin],
        [odd, "", "ADD", odd]
      )
      assert.match(heard.heads[0] ?? "", /^userspace-version: development\r$/m)
      assert.match(heard.heads[0] ?? "", /^userspace-namespaces: \d+:\d+ net:\[\d+\] pid:\[\d+\]\r$/m)
      assert.match(heard.heads[0] ?? "", /^userspace-mounts: \d+ mnt:\[\d+\]\r$/m)
    }
  },
  "relays log lines and the document": {
    agent: answers(whole({ log: `${odd}\n` }, { log: "two\n" }, { status: 0, document: JSON.stringify({ odd }) })),
    expects: ({ status, stderr, stdout }) => {
      assert.deepStrictEqual([status, stderr], [0, `${odd}\ntwo\n`])
      assert.strictEqual(stdout, `${JSON.stringify({ odd })}\n`)
    }
  },
  "relays an answer that comes byte by byte": {
    agent: {
      called: (socket) => pieces(socket, whole({ log: odd }, { status: 1, document: JSON.stringify({ odd }) }))
    },
    expects: ({ status, stderr, stdout }) => {
      assert.deepStrictEqual([status, stderr, stdout], [1, odd, `${JSON.stringify({ odd })}\n`])
    }
  },
  "writes nothing where the answer has no document": {
    command: "DEL",
    agent: answers(whole({ status: 0 })),
    expects: ({ status, stdout }) => assert.deepStrictEqual([status, stdout], [0, ""])
  },
  "relays log lines that follow the answer": {
    agent: answers(whole({ status: 0, document: "{}", more: true }, { log: "late\n" })),
    expects: ({ status, stderr, stdout }) => assert.deepStrictEqual([status, stdout, stderr], [0, "{}\n", "late\n"])
  },
  "makes a call that the agent declines": {
    agent: { ...leaves, refusal: "HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n" },
    expects: madeAlone
  },
  "makes a call that nobody accepts": {
    agent: { ...leaves, isSilent: true },
    expects: (outcome) => {
      madeAlone(outcome)
      assert.deepStrictEqual(outcome.heard.bodies, [])
    }
  },
  "asks no agent whose socket others can write to": {
    mode: 0o622,
    agent: leaves,
    expects: (outcome) => {
      madeAlone(outcome)
      assert.deepStrictEqual(outcome.heard.heads, [])
    }
  },
  "repeats a DEL whose agent is lost": { command: "DEL", agent: leaves, expects: madeAlone },
  "repeats a CHECK whose answer is cut off, and writes one document": {
    command: "CHECK",
    agent: answers(body({ status: 0, document: JSON.stringify({ odd }) }).slice(0, -20)),
    expects: madeAlone
  },
  "repeats a DEL whose agent says what no agent says": {
    command: "DEL",
    agent: answers(`${head}zz\r\n`),
    expects: madeAlone
  },
  "takes an ADD back whose agent is lost": {
    agent: leaves,
    expects: ({ status, stdout }) => {
      assert.strictEqual(status, 1)
      assert.strictEqual(document(stdout).code, 11)
      assert.match(String(document(stdout).msg), /^the agent ended during ADD, and not all changes were rolled back/)
    }
  },
  "passes a signal on, and relays the answer": {
    agent: {
      called: (_, { signal }) => signal("SIGTERM"),
      interrupted: (socket, call) => {
        socket.end("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        call.end(whole({ status: 1, document: '{"code":107}' }))
      }
    },
    expects: ({ heard, status, stdout }) => {
      assert.deepStrictEqual([status, stdout], [1, '{"code":107}\n'])
      const [, invocation] = /^userspace-invocation: (\S+)\r$/m.exec(heard.heads[0] ?? "") ?? []
      assert.isTrue(heard.heads[1]?.startsWith(`DELETE /v1/calls/${invocation} HTTP/1.1\r\n`), heard.heads[1])
    }
  },
  "says that a DEL may be incomplete, after a signal and without an answer": {
    command: "DEL",
    agent: {
      called: (_, { signal }) => signal("SIGINT"),
      interrupted: (socket, call) => {
        socket.destroy()
        call.destroy()
      }
    },
    expects: ({ status, stdout }) => {
      assert.strictEqual(status, 1)
      assert.strictEqual(document(stdout).code, 107)
      assert.match(String(document(stdout).msg), /^DEL was interrupted by a signal/)
    }
  },
  "makes a call itself that is too long for any": {
    stdin: longStdin,
    agent: leaves,
    expects: ({ heard, stdout }) => {
      assert.match(String(document(stdout).msg), /is longer than 4194304 bytes/)
      assert.deepStrictEqual(heard.heads, [])
    }
  },
  "makes a call itself whose text is too long for the agent": {
    stdin: "\u0001".repeat(1 << 20),
    agent: leaves,
    expects: (outcome) => {
      madeAlone(outcome)
      assert.deepStrictEqual(outcome.heard.heads, [])
    }
  }
}

const startedOf = (client: Client["Service"], one: Case, number: number): Started => ({
  words: client.words,
  environment: { PATH: "/usr/bin:/bin", CNI_COMMAND: one.command ?? "ADD", ...one.environment },
  stdin: one.stdin ?? '{"cniVersion":"1.0.0","name":"n","type":"userspace"}',
  socket: `${client.directory}/${number}.sock`,
  ...(one.mode === undefined ? {} : { mode: one.mode })
})

const clients = {
  "in TypeScript": { live: inTypeScript, isThere: true, title: "" },
  "in C": { live: inC, isThere: hasSanitizers, title: unless(hasSanitizers, "gcc with sanitizers") }
}

for (const [name, { isThere, live, title }] of Object.entries(clients)) {
  layer(live, { excludeTestServices: true })(`the client ${name}${title}`, (all) => {
    const test = all.effect.skipIf(!isThere)
    for (const [number, [sentence, one]] of Object.entries(cases).entries()) {
      test(sentence, () =>
        Effect.gen(function* () {
          const client = yield* Client
          one.expects(yield* run(startedOf(client, one, number), one.agent))
        })
      )
    }
  })
}

layer(inC, { excludeTestServices: true })(`the client in C${clients["in C"].title}, besides`, (all) => {
  const test = all.effect.skipIf(!hasSanitizers)
  test("relays VERSION, and executes nothing", () =>
    Effect.gen(function* () {
      const client = yield* Client
      const agent = answers(whole({ status: 0, document: '{"cniVersion":"9"}' }))
      const one = { command: "VERSION", agent, expects: () => {} }
      const { status, stdout } = yield* run(startedOf(client, one, 100), agent)
      assert.deepStrictEqual([status, stdout], [0, '{"cniVersion":"9"}\n'])
    }))

  test("answers with an error when the executable is not there, and says what to do", () =>
    Effect.gen(function* () {
      const client = yield* Client
      const alone = `${client.directory}/alone`
      mkdirSync(alone)
      yield* withSanitizers(`${alone}/userspace`, ...sources)
      const agent: Agent = { ...leaves, refusal: "HTTP/1.1 503 Service Unavailable\r\n\r\n" }
      const started = startedOf({ ...client, words: [`${alone}/userspace`] }, { agent, expects: () => {} }, 101)
      const { status, stdout } = yield* run(started, agent)
      assert.strictEqual(status, 1)
      const { code, details, msg } = Object(JSON.parse(stdout))
      assert.strictEqual(code, 5)
      assert.strictEqual(msg, `cannot execute the plugin ${alone}/.userspace/userspace: ENOENT`)
      assert.match(details, /^Install the plugin again/)
      const { CNI_COMMAND: _, ...environment } = started.environment
      const typed = yield* run({ ...started, environment, socket: `${client.directory}/102.sock` }, agent)
      assert.match(typed.stderr, /^cannot execute the plugin .*: ENOENT\n {2}-> Install/)
    }))
})
