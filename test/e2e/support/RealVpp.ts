/** {@link VppUnderTest} and {@link VppShows} on a real VPP. */
import { Context, Effect, Layer } from "effect"
import { VppShows, VppUnderTest } from "../../suites/VppUnderTest.ts"
import { until } from "../../support/Until.ts"
import { ProgramError } from "./Program.ts"
import { instance, type VppInstance } from "./VppInstance.ts"

const numbers = /num-s2m-rings (\d+) num-m2s-rings (\d+) buffer-size (\d+)/
const flags = /^\s*flags (.*)$/m

/** A slave's sizes are those of the connection: until then it has none. */
const memif = Effect.fnUntraced(function* ({ ctl }: VppInstance, name: string) {
  const text = yield* ctl("show", "memif", name)
  const [, words = ""] = flags.exec(text) ?? []
  const has = (word: string) => words.split(" ").includes(word)
  const made = { no_zero_copy: !has("zero-copy"), use_dma: has("use_dma") }
  if (!has("slave")) return { use_dma: made.use_dma }
  const [, tx = "", rx = "", buffer = ""] = numbers.exec(text) ?? []
  const [, ring = ""] = /ring-size (\d+)/.exec(text) ?? []
  if (!has("connected")) return yield* new ProgramError({ program: "vppctl", problem: `not connected: ${text}` })
  const sizes = { rx_queues: Number(rx), tx_queues: Number(tx), ring_size: Number(ring), buffer_size: Number(buffer) }
  return { ...made, ...sizes }
})

const vhostUser = ({ ctl }: VppInstance, name: string) =>
  Effect.map(ctl("show", "vhost-user", name), (text) => ({
    enable_gso: text.includes("GSO enable"),
    enable_packed: text.includes("Packed ring enable"),
    enable_event_idx: text.includes("Event index enable")
  }))

const madeWith = (vpp: VppInstance, name: string): Effect.Effect<Readonly<Record<string, unknown>>, ProgramError> =>
  name.startsWith("memif") ? memif(vpp, name) : vhostUser(vpp, name)

const shows = (vpp: VppInstance): VppShows["Service"] => ({
  madeWith: (name) => Effect.orDie(until(`${name}, connected`, madeWith(vpp, name), () => true))
})

export const underTest = (prefix: string) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const vpp = yield* instance(prefix)
      const [, release = "unknown"] = /^vpp v(\d+\.\d+)/.exec(yield* vpp.ctl("show", "version")) ?? []
      const restart = Effect.orDie(Effect.andThen(vpp.kill, vpp.start))
      return Context.make(VppUnderTest, VppUnderTest.of({ path: vpp.api, release, restart })).pipe(
        Context.add(VppShows, shows(vpp))
      )
    })
  )
