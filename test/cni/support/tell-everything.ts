/**
 * Prints everything that the plugin says about a network with secrets, in a separate process so that its log can be
 * read: documents, errors, logs at the finest level, plans, commands, with every edge failing in turn, and with others
 * who repeat their input. The secrets are arguments: a memif secret, a token, a client's key, an IPAM plugin's
 * password.
 */

import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { type Cause, Effect, Exit, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { answer } from "../../../src/app/CniCall.ts"
import { commandLine } from "../../../src/cli/CommandLine.ts"
import { readRequest } from "../../../src/cni/Request.ts"
import { errorOf } from "../../../src/cni/types/CniError.ts"
import { KubernetesDeadlines } from "../../../src/kubernetes/ApiServer.ts"
import type { Edges } from "../../../src/platform/Edges.ts"
import { FileError, Files } from "../../../src/platform/Files.ts"
import { Https, HttpsError } from "../../../src/platform/Https.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import { ProcessError, Processes } from "../../../src/platform/Processes.ts"
import { SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import { VppDeadlines } from "../../../src/vpp/client/Session.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { start } from "../../vpp/server/VppServer.ts"

const [secret = "", token = "", key = "", password = ""] = process.argv.slice(2)
const directory = Fs.mkdtempSync(join(tmpdir(), "tell-"))
const say = (what: string, value: unknown) => process.stdout.write(`${what}: ${JSON.stringify(value)}\n`)

/** The next calls of the edges are counted, and the one at `failing` fails. */
let step = 0
let failing = -1
let api: (method: string, body: string) => { readonly status: number; readonly body: string }
let ipam: (stdin: string) => { readonly status: number; readonly stdout: string; readonly stderr: string }

const counted = <A, E>(failure: E, self: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => (step++ === failing ? Effect.fail(failure) : self))

const files = Layer.effect(
  Files,
  Effect.map(Files, (real) =>
    Files.of({
      ...real,
      create: (path, content, mode, gid) =>
        counted(
          new FileError({ operation: "create", path, code: "EIO" }),
          gid === undefined ? real.create(path, content, mode) : real.create(path, content, mode, gid)
        ),
      rename: (from, to) =>
        counted(new FileError({ operation: "rename", path: to, code: "EIO" }), real.rename(from, to)),
      change: (path, kind, change) =>
        counted(new FileError({ operation: "change", path, code: "EIO" }), real.change(path, kind, change)),
      read: (path, limit) => counted(new FileError({ operation: "read", path, code: "EIO" }), real.read(path, limit))
    })
  )
).pipe(Layer.provide(Files.layer))

const sockets = Layer.effect(
  Sockets,
  Effect.map(Sockets, (real) =>
    Sockets.of({
      connect: (path) =>
        Effect.map(real.connect(path), (connection) => ({
          ...connection,
          write: (bytes) =>
            counted(new SocketError({ path, code: "Closed", operation: "write" }), connection.write(bytes))
        }))
    })
  )
).pipe(Layer.provide(NodeSockets.layer))

const edges: Layer.Layer<Edges> = Layer.mergeAll(
  files,
  sockets,
  NodeSlots.layer,
  Layer.succeed(Namespaces, Namespaces.of({ judge: () => Effect.succeed("sandbox") })),
  Layer.succeed(
    Processes,
    Processes.of({
      run: ({ program, stdin }) =>
        counted(
          new ProcessError({ program, code: "EAGAIN" }),
          Effect.sync(() => ipam(stdin))
        )
    })
  ),
  Layer.succeed(
    Https,
    Https.of({
      send: ({ body = "", headers, method, url }) =>
        counted(
          new HttpsError({ origin: url, code: "ECONNRESET" }),
          Effect.sync(() => ({ retryAfter: undefined, ...api(method, `${JSON.stringify(headers)} ${body}`) }))
        )
    })
  )
)

const pod = JSON.stringify({
  kind: "Pod",
  metadata: { name: "web-0", namespace: "default", uid: "u-1", resourceVersion: "1", annotations: {} },
  spec: {
    volumes: [{ name: "shared-dir", hostPath: { path: `${directory}/volume`, type: "Directory" } }],
    containers: []
  }
})
const addresses = JSON.stringify({ cniVersion: "1.0.0", ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }] })

/** Working programs and servers, and failing ones that repeat their input. */
const work = () => {
  api = () => ({ status: 200, body: pod })
  ipam = (stdin) => ({ status: 0, stdout: addresses, stderr: `got ${stdin}` })
}
const repeaters: Readonly<Record<string, () => void>> = {
  "the API server forbids": () => {
    api = (_, got) => ({ status: 403, body: JSON.stringify({ message: `forbidden: ${got}` }) })
  },
  "a webhook denies": () => {
    api = (method, got) => (method === "GET" ? { status: 200, body: pod } : { status: 422, body: `denied: ${got}` })
  },
  "the API server breaks": () => {
    api = (_, got) => ({ status: 500, body: `<html>${got}` })
  },
  "IPAM refuses": () => {
    ipam = (stdin) => ({
      status: 1,
      stdout: JSON.stringify({ code: 7, msg: `bad ${stdin}`, details: stdin }),
      stderr: stdin
    })
  },
  "IPAM breaks": () => {
    ipam = (stdin) => ({ status: 2, stdout: "", stderr: `panic: ${stdin}` })
  },
  "IPAM answers with what it got": () => {
    ipam = (stdin) => ({ status: 0, stdout: stdin, stderr: "" })
  },
  "IPAM is cut in the middle": () => {
    ipam = (stdin) => ({ status: 0, stdout: stdin.slice(stdin.indexOf(secret) - 195), stderr: "" })
  }
}

const variables = {
  CNI_CONTAINERID: "0958c8871b32cafe",
  CNI_NETNS: "/var/run/netns/a",
  CNI_IFNAME: "net1",
  CNI_PATH: directory,
  CNI_ARGS: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=u-1"
}

const networkOn = (socket: string, more: object) => ({
  cniVersion: "1.0.0",
  name: "net",
  type: "userspace",
  sharedDir: `${directory}/shared`,
  stateDir: `${directory}/state`,
  logLevel: "verbose",
  host: {
    engine: "vpp",
    iftype: "memif",
    netType: "bridge",
    socket,
    memif: { role: "master", secret },
    bridge: { bridgeName: "4" }
  },
  container: { memif: { secret } },
  ipam: { type: "host-local", password },
  ...more
})

const told = (exit: Exit.Exit<unknown, Parameters<typeof errorOf>[0] extends Cause.Cause<infer E> ? E : never>) =>
  Exit.isSuccess(exit) ? exit.value : errorOf(exit.cause)

const quick = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  self.pipe(
    Effect.provideService(VppDeadlines, { turn: 1000, answer: 500, goodbye: 100 }),
    Effect.provideService(KubernetesDeadlines, { answer: 1, total: 0 })
  )

const call = (verb: string, conf: object) =>
  Effect.gen(function* () {
    step = 0
    const exit = yield* Effect.exit(
      answer(readRequest({ ...variables, CNI_COMMAND: verb }, JSON.stringify(conf)), edges)
    )
    say(`${verb} ${Exit.isSuccess(exit) ? "well" : "failed"}`, told(exit))
    return Exit.isSuccess(exit)
  }).pipe(quick)

const type = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    failing = -1
    yield* Effect.exit(commandLine(args, variables))
    say(args.join(" "), [...(yield* TestConsole.logLines), ...(yield* TestConsole.errorLines)].map(String))
  }).pipe(Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, edges]), quick)

const program = Effect.gen(function* () {
  const server = yield* start({ path: `${directory}/api.sock` })
  const inPod = yield* start({ path: `${directory}/pod.sock` })
  for (const name of ["volume", "container"]) Fs.mkdirSync(`${directory}/${name}`)
  Fs.writeFileSync(`${directory}/host-local`, "", { mode: 0o755 })
  const users = [
    {
      name: "u",
      user: { token, "client-key-data": Buffer.from(key).toString("base64"), "client-certificate-data": "" }
    }
  ]
  const kubeconfig = {
    "current-context": "a",
    contexts: [{ name: "a", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443" } }],
    users: users.map(({ name, user: { token } }) => ({ name, user: { token } }))
  }
  Fs.writeFileSync(`${directory}/kubeconfig`, JSON.stringify(kubeconfig))
  Fs.writeFileSync(`${directory}/broken-kubeconfig`, JSON.stringify({ ...kubeconfig, users }))
  const byFile = networkOn(server.path, {})
  const byPod = networkOn(server.path, { kubeconfig: `${directory}/kubeconfig` })

  for (const conf of [byFile, byPod]) {
    work()
    failing = -1
    yield* call("ADD", conf)
    yield* call("CHECK", conf)
    yield* call("DEL", conf)
    for (let well = false, at = 0; !well; at++) {
      failing = at
      well = yield* call("ADD", conf)
      failing = at
      yield* call("DEL", conf)
      failing = -1
      yield* call("DEL", conf)
    }
    for (const [what, repeat] of Object.entries(repeaters)) {
      work()
      repeat()
      say("now", what)
      yield* call("ADD", conf)
      yield* call("DEL", conf)
      work()
      yield* call("DEL", conf)
    }
  }
  yield* call("ADD", networkOn(server.path, { kubeconfig: `${directory}/broken-kubeconfig` }))

  work()
  const config = `${directory}/net.conf`
  Fs.writeFileSync(config, JSON.stringify(byFile))
  Fs.writeFileSync(`${directory}/broken.conf`, JSON.stringify(byFile).replace(secret, `${secret}"`))
  const who = ["--config", config, "--container-id", variables.CNI_CONTAINERID, "--netns", variables.CNI_NETNS]
  for (const json of [[], ["--json"]]) {
    for (const dry of [["--dry-run"], []]) {
      for (const verb of ["add", "add", "check"]) yield* type(verb, ...who, ...dry, ...json)
      if (dry.length > 0) continue
      yield* type("list", "--state-dir", `${directory}/state`, ...json)
      const [id = ""] = Fs.readdirSync(`${directory}/shared`).filter((name) => !name.startsWith("."))
      const shared = `${directory}/shared/${id}`
      for (const command of [
        ["show"],
        ["wait", "--timeout", "1s"],
        ["vpp", "--socket", inPod.path],
        ["dpdk"],
        ["testpmd"]
      ]) {
        yield* type("container", ...command, "--dir", shared, ...(command[0] === "wait" ? [] : json))
      }
      yield* type("container", "vpp", "--startup-conf", "--dir", shared)
      for (const name of Fs.readdirSync(shared)) {
        if (!name.startsWith("configData")) continue
        Fs.writeFileSync(`${directory}/container/configData-a.json`, `${Fs.readFileSync(`${shared}/${name}`, "utf8")}}`)
      }
      yield* type("container", "show", "--dir", `${directory}/container`, ...json)
    }
    yield* type("gc", "--by-sandbox", "--dry-run", "--config", config, ...json)
    yield* type("del", ...who, "--dry-run", ...json)
    yield* type("del", ...who, ...json)
    yield* type("add", "--config", `${directory}/broken.conf`, "--container-id", "c", ...json)
  }
})

await Effect.runPromise(Effect.scoped(program))
Fs.rmSync(directory, { recursive: true, force: true })
process.exit(0)
