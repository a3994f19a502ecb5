/** A VPP as an application in a pod: the other end of a memif, and packets through it. */
import { Effect, type Scope } from "effect"
import { type NotThere, until } from "../../support/Until.ts"
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

export const ping = Effect.fnUntraced(function* (vpp: VppInstance, to: string, count: number) {
  // An answer after the interval does not count: a busy machine needs some time.
  const text = yield* vpp.ctl("ping", to, "repeat", String(count), "interval", "0.5")
  return Number(/(\d+) received/.exec(text)?.[1] ?? 0)
})

/** How many of five pings are answered, after those that resolve the neighbours. */
export const pings = Effect.fnUntraced(function* (vpp: VppInstance, to: string) {
  yield* until(`an answer of ${to}`, ping(vpp, to, 1), (received) => received > 0)
  return yield* ping(vpp, to, 5)
})
