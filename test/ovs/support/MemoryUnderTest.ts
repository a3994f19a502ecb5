/** {@link SwitchUnderTest} in memory. Its sockets are real, because tests inspect them. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { Effect, Layer } from "effect"
import * as OvsLegacyPorts from "../../../src/ovs/OvsLegacyPorts.ts"
import * as OvsVswitch from "../../../src/ovs/OvsVswitch.ts"
import { Files } from "../../../src/platform/Files.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { SwitchUnderTest } from "../../suites/SwitchUnderTest.ts"
import * as OvsMemory from "./OvsMemory.ts"

const make = Effect.gen(function* () {
  const ovsSocketDir = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(`${tmpdir()}/ovs-`)),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const files = daemonFiles(ovsSocketDir)
  const memory = OvsMemory.make({ peer: `${ovsSocketDir}/db.sock`, onSocket: files.onSocket })
  yield* Effect.acquireRelease(Effect.sync(files.start), () => Effect.sync(files.stop))
  const client = OvsMemory.layer(memory)
  return SwitchUnderTest.of({
    client,
    vswitch: Layer.provide(
      OvsVswitch.layer((client) => Effect.succeed(OvsLegacyPorts.make(client))),
      [client, Files.layer, NodeSockets.layer]
    ),
    transact: memory.transact,
    ovsSocketDir,
    killVswitchd: Effect.sync(() => {
      memory.vswitchd.alive = false
      files.kill()
    }),
    startVswitchd: Effect.sync(() => {
      files.start()
      memory.restart()
    }),
    stopDatabase: Effect.sync(() => memory.serve("refused")),
    startDatabase: Effect.sync(() => memory.serve("well")),
    breakBridge: (name) =>
      Effect.acquireRelease(
        Effect.sync(() => memory.vswitchd.broken.add(name)),
        () => Effect.sync(() => memory.vswitchd.broken.delete(name))
      ),
    flows: (bridge) => Effect.sync(() => memory.flowsOf(bridge))
  })
})

/** The files of an ovs-vswitchd: pidfile, control socket, and the socket of each server-mode port. */
const daemonFiles = (directory: string) => {
  const listening = new Map<string, Net.Server>()
  const listen = (name: string, onConnection: (socket: Net.Socket) => void) =>
    listening.set(name, Net.createServer(onConnection).listen(`${directory}/${name}`))
  const close = (name: string) => {
    listening.get(name)?.close()
    listening.delete(name)
  }
  return {
    onSocket: (port: string, made: boolean) => {
      if (made) listen(port, (socket) => socket.destroy())
      else close(port)
    },
    start: () => {
      rmSync(`${directory}/ovs-vswitchd.ctl`, { force: true })
      writeFileSync(`${directory}/ovs-vswitchd.pid`, "1\n")
      listen("ovs-vswitchd.ctl", (socket) => {
        socket.on("data", () => socket.write('{"id":0,"result":"ovs-vswitchd in memory","error":null}'))
        socket.on("error", () => {})
      })
    },
    stop: () => {
      for (const name of listening.keys()) close(name)
    },
    /** A killed one leaves its sockets. A server in this process would remove them, so they are moved aside. */
    kill: () => {
      for (const name of [...listening.keys()]) {
        renameSync(`${directory}/${name}`, `${directory}/${name}.left`)
        close(name)
        renameSync(`${directory}/${name}.left`, `${directory}/${name}`)
      }
    }
  }
}

export const MemoryUnderTest: Layer.Layer<SwitchUnderTest> = Layer.effect(SwitchUnderTest, make)
