/**
 * Random sequences of calls, by concurrent processes of the executable, on a VPP that is killed and started again
 * meanwhile, against a simple model of what must exist: on real ones, or the one in TypeScript.
 */
import type { Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { keyOf } from "../../src/identity/Attachment.ts"
import type { Ground } from "./support/ModelNode.ts"
import { allHold, timeoutOf } from "./support/Sequences.ts"
import { onMachine } from "./support/Suite.ts"
import { everyVpp, type OnVpp, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"

const usual = 16

const bridge = { netType: "bridge", bridge: { bridgeName: "64" } }

const ground = Effect.gen(function* () {
  const { called, directory, look, network } = yield* VppCniNode
  const { kill, start } = yield* VppDaemon
  const restart = Effect.andThen(kill, start)
  return {
    directory,
    called,
    networks: {
      net: network(bridge),
      other: network({ ...bridge, iftype: "vhostuser", vhost: { mode: "server" } })
    },
    ports: Effect.map(look, ({ vpp }) => vpp.filter((line) => line.startsWith("interface "))),
    isOf: (port, who) => port.includes(`/${keyOf(who)}/`),
    everything: look,
    restart,
    forgets: true,
    ages: () => false,
    clean: restart
  } satisfies Ground<Effect.Error<typeof look>> & { readonly clean: typeof restart }
})

const sequences = (name: string) => (test: Vitest.Test<OnVpp | Scope.Scope>) =>
  test(
    "killed and started",
    () =>
      Effect.gen(function* () {
        const { sandbox } = yield* VppCniNode
        yield* allHold(name, yield* ground, (yield* sandbox).netns, usual)
      }),
    timeoutOf(usual)
  )

for (const [name, needs, live] of everyVpp) {
  onMachine(["root", "executable", "hostLocal", ...needs], live)(
    `attachments are as the model says, on ${name}`,
    sequences(name)
  )
}
