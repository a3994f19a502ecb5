/** A VPP as an application in a pod: the other end of a memif, and packets through it. */
import { Effect, type Scope } from "effect"
import { lastSeen, type NotThere, until } from "../../support/Until.ts"
import type { Sandbox } from "./CniNode.ts"
import { well } from "./Plugin.ts"
import type { ProgramError } from "./Program.ts"
import { VppCniNode } from "./VppCniNode.ts"
import { instance, type VppInstance } from "./VppInstance.ts"

/** Its end of the port, connected and with an address. */
export const podAt = Effect.fnUntraced(function* (
  prefix: string,
  socket: string,
  netns: string | undefined,
  ...addresses: ReadonlyArray<string>
): Effect.fn.Return<VppInstance, ProgramError | NotThere, Scope.Scope> {
  const vpp = yield* instance(prefix, netns)
  yield* vpp.ctl("create", "memif", "socket", "id", "1", "filename", socket)
  yield* vpp.ctl("create", "interface", "memif", "socket-id", "1", "id", "0", "slave")
  yield* vpp.ctl("set", "int", "state", "memif1/0", "up")
  for (const address of addresses) yield* vpp.ctl("set", "int", "ip", "address", "memif1/0", address)
  yield* connected(vpp)
  return vpp
})

/** Attached to a memif by the plugin, with this address in its VPP. */
export const attachedPod = Effect.fnUntraced(function* (prefix: string, pod: Sandbox, conf: object, address: string) {
  const { call, directory } = yield* VppCniNode
  well(yield* call("ADD", pod, conf))
  const short = pod.containerId.slice(0, 12)
  return yield* podAt(prefix, `${directory}/shared/${short}/memif-${short}-net1.sock`, undefined, address)
})

export const connected = (vpp: VppInstance) =>
  until("a memif that is connected", vpp.ctl("show", "memif"), (text) => /flags .*connected/.test(text))

/** How many are answered within the interval of the last one. */
export const ping = Effect.fnUntraced(function* ({ ctl }: VppInstance, to: string, count: number, interval = "0.1") {
  const text = yield* ctl("ping", to, "repeat", String(count), "interval", interval)
  return Number(/(\d+) received/.exec(text)?.[1] ?? 0)
})

const frames = ({ ctl }: VppInstance) =>
  Effect.map(ctl("show", "interface", "memif1/0"), (text) => Number(/rx packets +(\d+)/.exec(text)?.[1] ?? 0))

/** How many are answered. On a busy machine an answer may come when VPP has stopped counting: its frame is waited for. */
export const answers = Effect.fnUntraced(function* (vpp: VppInstance, to: string, count: number, interval?: string) {
  const before = yield* frames(vpp)
  const received = yield* ping(vpp, to, count, interval)
  if (received === count) return count
  const now = yield* lastSeen(frames(vpp), (now) => now - before >= count)
  return now - before >= count ? count : received
})

/** How many of five pings are answered, after those that resolve the neighbours. */
export const pings = Effect.fnUntraced(function* (vpp: VppInstance, to: string) {
  yield* until(`an answer of ${to}`, ping(vpp, to, 1), (received) => received > 0)
  return yield* answers(vpp, to, 5)
})
