/**
 * A VPP in TypeScript: the real wire on a real socket, for machines without VPP and for failures that a real one cannot
 * produce on demand. Its state machine and quirks are measured (`fixtures/README.md`) and verified against the
 * recordings in `Replay.test.ts`. It forwards no packets.
 */
import * as fs from "node:fs"
import * as net from "node:net"
import { dirname } from "node:path"
import { Effect, Result } from "effect"
import { frame, splitter } from "../../../src/vpp/client/Exchange.ts"
import * as Control from "../../../src/vpp/messages/Control.ts"
import * as Message from "../../../src/vpp/messages/Message.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"
import { type Answer, answer, type Handler, onRequest } from "../model/VppMessage.ts"
import { vppMessages } from "../model/VppMessages.ts"
import { type Disk, VppModel } from "../model/VppModel.ts"
import { messageNames, numbersOf, tableRows } from "../support/Captures.ts"
import { Audience } from "./Events.ts"
import { otherHandlers } from "./Others.ts"
import type { Heard, Peer } from "./Peer.ts"
import { below } from "./RealDisk.ts"
import { type Release, release as released } from "./Release.ts"

export interface Options {
  readonly path: string
  readonly release?: Release
  /** Prefix of every path: for recordings, whose paths are fixed. */
  readonly root?: string
  /** Replaces the real one. */
  readonly disk?: Disk
  /** When it has started: its socket is as old. Default: long ago, so nobody waits for what it does at its start. */
  readonly since?: Date
  /** Names in its message table: by default all of the release with memif, vhost and ping. */
  readonly table?: (names: ReadonlyMap<number, string>) => ReadonlyMap<number, string>
}

/** Bytes of the replies, or what happens instead. */
export type Outcome = ReadonlyArray<Answer> | "silence" | "crash"

/** Inspects a request before VPP does: undefined lets it pass. */
export type Interception = (name: string, raw: Buffer) => Outcome | { readonly retval: number } | "close" | undefined

export class VppServer {
  readonly path: string
  readonly release: ReturnType<typeof released>
  model: VppModel
  /** Names of all valid requests, in order. */
  readonly requests: Array<string> = []
  /** What a client must never send: a number that is not in the table, a body that is too short. */
  readonly mistakes: Array<string> = []
  /** Connections that ended without sockclnt_delete, and with it. */
  rude = 0
  polite = 0
  /**
   * Maximum number of concurrent clients. One that has disconnected does not count: the next one may connect before it
   * has closed.
   */
  most = 0
  /** Set: it does not answer any more, for this reason. */
  broken: string | undefined
  /** As under SIGSTOP: connections are accepted, nothing is answered. */
  paused = false
  /** Data received meanwhile. */
  readonly waiting: Array<() => void> = []
  intercept: Interception = () => undefined
  /** What its command line prints, by command. */
  readonly prints = new Map<string, string>()
  /** The response to hello: 0 is success. */
  response = 0

  private readonly since: Date
  private readonly names: ReadonlyMap<number, string>
  private readonly numbers: ReadonlyMap<string, number>
  private readonly clients = new Set<Peer>()
  private readonly audience = new Audience()
  private leaving = 0
  private server: net.Server | undefined
  private nextClient = 0x80000001
  private drops = 0

  constructor({
    path,
    release = "26.06",
    root = "",
    disk = below(root),
    since = new Date(0),
    table = (names) => names
  }: Options) {
    this.path = path
    this.since = since
    this.release = released(release)
    this.names = table(messageNames(`v${release}`))
    this.numbers = numbersOf(this.names)
    this.model = VppModel.started(this.release.model, root === "" ? dirname(path) : "/run/vpp", disk)
  }

  start(): Promise<void> {
    fs.rmSync(this.path, { force: true })
    const server = net.createServer((socket) => this.dialled(socket))
    this.server = server
    return new Promise((resolve) =>
      server.listen(this.path, () => {
        fs.utimesSync(this.path, this.since, this.since)
        resolve()
      })
    )
  }

  /** SIGKILL: connections drop, the state is lost, the files of its sockets stay. */
  async kill(): Promise<void> {
    this.hangUp()
    await new Promise((resolve) => (this.server === undefined ? resolve(undefined) : this.server.close(resolve)))
  }

  async restart(): Promise<void> {
    await this.kill()
    this.forget()
    await this.start()
  }

  /** SIGKILL and a start, without the socket of its API. */
  forget(): void {
    this.hangUp()
    this.model = VppModel.started(this.release.model, this.model.runtimeDir, this.model.disk)
    this.broken = undefined
  }

  private hangUp(): void {
    for (const { vhost } of this.model.interfaces.values()) vhost?.listener?.close()
    for (const { listener } of this.model.sockets.values()) listener?.close()
    for (const client of [...this.clients]) client.destroy()
  }

  resume(): void {
    this.paused = false
    for (const work of this.waiting.splice(0)) work()
  }

  /** Executes a request, and returns the reply to the caller. */
  perform(name: string, raw: Buffer): Outcome {
    const handler = [...handlers.values()].find((one) => one.name === name)
    return handler === undefined ? "silence" : this.done(handler, raw)
  }

  private done(handler: Handler, raw: Buffer): Outcome {
    if (handler.name === Control.cliInband.name) {
      const { cmd } = Result.getOrThrow(Message.decodeRequest(Control.cliInband, raw))
      return [answer(Control.cliInband.reply, { retval: 0, reply: this.prints.get(cmd) ?? "" })]
    }
    if (handler.name === Control.showVersion.name)
      return [answer(Control.showVersion.reply, versionOf(this.release.version))]
    return isDeadly(handler, raw) ? "crash" : (handler.handle(this.model, raw) ?? "silence")
  }

  get connected(): number {
    return this.clients.size
  }

  private dialled(socket: net.Socket): void {
    const { bytes, gone } = this.welcome(socket)
    socket.on("error", () => {})
    socket.on("close", gone)
    socket.on("data", bytes)
  }

  /** A client has connected. */
  welcome(peer: Peer): Heard {
    const client = this.nextClient++
    const { push } = splitter(1 << 30)
    let polite = false
    this.clients.add(peer)
    this.most = Math.max(this.most, this.clients.size - this.leaving)
    const goodbye = () => {
      polite = true
      this.polite++
      this.leaving++
    }
    let known = false
    const handle = (chunk: Buffer) => {
      const messages = push(chunk)
      if (Result.isFailure(messages)) return
      for (const raw of messages.success) {
        if (this.broken !== undefined || peer.destroyed) return
        if (raw.readUInt16BE(0) === Control.sockclntCreateId) {
          known = true
          this.hello(peer, raw, client)
        } else this.request(peer, raw, known ? client : undefined, goodbye)
      }
    }
    return {
      bytes: (chunk) => {
        if (this.paused) this.waiting.push(() => handle(chunk))
        else handle(chunk)
      },
      gone: () => {
        this.clients.delete(peer)
        this.audience.leave(peer)
        if (polite) this.leaving--
        else this.dropped()
      }
    }
  }

  /** Closed sockets stay in VPP's poll until it has processed all that came at once; with too many, it never does. */
  private dropped(): void {
    this.rude++
    this.drops++
    if (this.drops >= this.release.fatalDrops) this.broken = `${this.drops} connections dropped at once`
    setImmediate(() => {
      this.drops = 0
    })
  }

  private hello(peer: Peer, raw: Buffer, client: number): void {
    const hello = Message.encodeHello(Control.sockclntCreate.reply, Control.sockclntCreateReplyId, {
      client_index: 0,
      context: raw.readUInt32BE(2),
      response: this.response,
      index: client,
      message_table: tableRows(this.names)
    })
    peer.write(frame(Result.getOrThrow(hello)))
  }

  private request(peer: Peer, raw: Buffer, client: number | undefined, goodbye: () => void): void {
    const number = raw.readUInt16BE(0)
    const name = this.names.get(number)
    const handler = name === undefined ? undefined : handlers.get(name)
    const heard = raw.length >= 10 && client !== undefined && raw.readUInt32BE(2) === client
    if (number === 1) this.crash("memclnt_create over the socket")
    // No reply, whatever the mistake.
    else if (handler === undefined || !heard) this.mistakes.push(name ?? `message ${number}`)
    else if (handler.name === "sockclnt_delete") {
      goodbye()
      this.requests.push(handler.name)
      peer.end(this.framed(farewell, raw.readUInt32BE(6)))
    } else this.understood(peer, raw, handler)
  }

  private understood(peer: Peer, raw: Buffer, handler: Handler): void {
    this.requests.push(handler.name)
    this.audience.heed(peer, handler.name, raw)
    for (const { client, event, peer: listener } of this.audience.news(this.model.happened.splice(0)))
      listener.write(this.framed(event, client))
    const meddled = this.intercept(handler.name, raw)
    const outcome =
      typeof meddled === "object" && "retval" in meddled
        ? refusal(handler, meddled.retval)
        : (meddled ?? this.done(handler, raw))
    if (outcome === "close") peer.destroy()
    else if (outcome === "crash") this.crash(handler.name)
    else if (outcome === "silence") this.mistakes.push(handler.name)
    else for (const answer of outcome) peer.write(this.framed(answer, raw.readUInt32BE(6)))
  }

  private framed({ encode, message }: Answer, context: number): Uint8Array {
    return frame(encode({ id: this.numbers.get(Message.nameCrc(message)) ?? 0, context }))
  }

  private crash(why: string): void {
    this.broken = `crashed: ${why}`
    for (const client of [...this.clients]) client.destroy()
    this.server?.close()
  }
}

const farewell: Answer = {
  message: Control.sockclntDelete.reply,
  encode: (head) => Result.getOrThrow(Message.encodeReply(Control.sockclntDelete.reply, head, { response: 1 }))
}

/** A retval that the state would not return. All replies begin with it; the rest is 0. */
const refusal = ({ reply }: Handler, retval: number): ReadonlyArray<Answer> => {
  if (reply === undefined) return []
  const encode = ({ context, id }: Message.Head) => {
    const bytes = Buffer.alloc(14)
    bytes.writeUInt16BE(id, 0)
    bytes.writeUInt32BE(context, 2)
    bytes.writeInt32BE(retval, 6)
    return bytes
  }
  return [{ message: reply, encode }]
}

const versionOf = (version: string) => ({
  ...{ retval: 0, program: "vpe", version, build_date: "2026-11-23T20:58:07", build_directory: "" }
})

/** VPP crashes on every mode of a memif but the two that our codec can encode. */
const isDeadly = ({ name }: Handler, raw: Buffer): boolean =>
  (name === Ports.createMemif.name || name === Ports.createMemifV2.name) && raw.length >= 18 && raw.readUInt32BE(14) > 1

const handlers: ReadonlyMap<string, Handler> = new Map(
  [
    onRequest(Control.sockclntDelete, () => ({ response: 1 })),
    onRequest(Control.controlPing, () => ({ retval: 0, client_index: 0, vpe_pid: process.pid })),
    onRequest(Control.showVersion, () => versionOf("")),
    onRequest(Control.cliInband, () => ({ retval: 0, reply: "" })),
    ...vppMessages,
    ...otherHandlers
  ].map((handler) => [Message.nameCrc(handler), handler])
)

/** Runs until the scope ends. */
export const start = (options: Options) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = new VppServer(options)
      await server.start()
      return server
    }),
    (server) => Effect.promise(() => server.kill())
  )
