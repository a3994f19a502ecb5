/** Processes of a pod that do not keep to memif or vhost-user: what becomes of each VPP, in each role and mode. */
import { basename } from "node:path"
import { Context, Effect, Layer } from "effect"
import type { Role } from "./hostile-process/Cases.ts"
import { socketOf } from "./support/CniNode.ts"
import { meets } from "./support/HostileOutcomes.ts"
import type { Ground } from "./support/HostileProcess.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { over, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"
import { instance, type VppInstance } from "./support/VppInstance.ts"

class Host extends Context.Service<Host, VppInstance>()("userspace-cni/test/HostileHost") {}

const node = (prefix: string) => {
  const host = Layer.effect(Host, instance(prefix))
  const daemon = Layer.effect(
    VppDaemon,
    Effect.map(Host, ({ api, kill, start }) => ({ api, kill, start: Effect.orDie(start) }))
  )
  return Layer.provideMerge(over(daemon, basename(prefix)), host)
}

const ports: Readonly<Record<Role, object>> = {
  "memif-master": { iftype: "memif", memif: { role: "master" } },
  "memif-slave": { iftype: "memif", memif: { role: "slave" } },
  "memif-slave, zero copy": { iftype: "memif", memif: { role: "slave", noZeroCopy: false } },
  "vhost-server": { iftype: "vhostuser", memif: undefined, vhost: { mode: "server" } },
  "vhost-client": { iftype: "vhostuser", memif: undefined, vhost: { mode: "client" } }
}

/**
 * VPP looks for a peer to connect to every three seconds, and at once when another interface of the kind changes: this
 * one changes all the time.
 */
const hurried = Effect.fnUntraced(function* ({ ctl, directory }: VppInstance, role: Role) {
  const commands = (...lines: ReadonlyArray<string>) =>
    Effect.ignore(Effect.forEach(lines, (line) => ctl(...line.split(" ")), { discard: true }))
  yield* commands(
    `create memif socket id 9 filename ${directory}/nobody.sock`,
    "create interface memif socket-id 9 id 0 slave"
  )
  const change = role.startsWith("memif")
    ? commands("set interface state memif9/0 up", "set interface state memif9/0 down")
    : commands(`create vhost-user socket ${directory}/nobody`, "delete vhost-user VirtualEthernet0/0/2")
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(change, Effect.sleep("100 millis"))))
})

const ground = Effect.fnUntraced(function* (role: Role) {
  const { call, directory, network, sandbox } = yield* VppCniNode
  const vpp = yield* Host
  const { ctl, signal } = vpp
  const conf = network({ netType: "bridge", bridge: { bridgeName: "4" }, ...ports[role] })
  const pods = [yield* sandbox, yield* sandbox] as const
  for (const pod of pods) well(yield* call("ADD", pod, conf))
  if (/slave|client/.test(role)) yield* hurried(vpp, role)
  const [hostile, neighbour] = pods.map((pod) => {
    const short = pod.containerId.slice(0, 12)
    return role.startsWith("memif")
      ? `${directory}/shared/${short}/memif-${short}-net1.sock`
      : socketOf(`${directory}/shared`, pod)
  })
  return { signal, answers: ctl("show", "version"), directory, hostile, neighbour }
})

const inScope = (prefix: string, role: Role) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(node(prefix))
    const { hostile = "", neighbour = "", ...rest } = yield* Effect.provide(ground(role), context)
    return { ...rest, hostile, neighbour } satisfies Ground
  })

const roles = ["memif-master", "memif-slave, zero copy", "vhost-server", "vhost-client", "memif-slave"] as const

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  for (const role of roles) {
    meets({
      needs: ["root", "executable", "vpp", "hostLocal"],
      engine: "VPP",
      version: basename(prefix).replace(/^vpp-/, ""),
      role,
      ground: inScope(prefix, role),
      fresh: false
    })
  }
}
