/**
 * Random sequences of calls, by concurrent processes of the executable, on a real Open vSwitch that is restarted
 * meanwhile, against a simple model of what must exist.
 */
import { readdirSync, rmSync } from "node:fs"
import { Effect } from "effect"
import type { Identity } from "../../src/identity/Attachment.ts"
import { CniNode } from "./support/CniNode.ts"
import type { Ground } from "./support/ModelNode.ts"
import type { ProgramError } from "./support/Program.ts"
import { allHold, timeoutOf } from "./support/Sequences.ts"
import { onMachine } from "./support/Suite.ts"
import { look, withoutNumbers } from "./support/World.ts"

type Ovs = CniNode["Service"]["ovs"]

interface Kind {
  readonly restart: (ovs: Ovs, bridge: string) => Effect.Effect<void, ProgramError>
  readonly forgets: boolean
  /** Those in server mode have another socket after it. */
  readonly ages: boolean
  /** Mode of the network beside the one in client mode. */
  readonly mode: "client" | "server"
}

const removed = (ovs: Ovs, bridge: string) => ovs.vsctl("--no-wait", "--if-exists", "del-br", bridge)

const kinds: Readonly<Record<string, Kind>> = {
  "ovs-vswitchd stopped and started": {
    restart: (ovs) => Effect.andThen(ovs.stopVswitchd, ovs.startVswitchd),
    ...{ forgets: false, ages: true, mode: "server" }
  },
  // It cannot create server-mode ports on the files of their old sockets (docs/ovs.md).
  "ovs-vswitchd killed and started": {
    restart: (ovs) => Effect.andThen(ovs.killVswitchd, ovs.startVswitchd),
    ...{ forgets: false, ages: false, mode: "client" }
  },
  // ovs-vswitchd retries after up to eight seconds, and an ADD does not wait much longer.
  "ovsdb-server killed and started": {
    restart: Effect.fnUntraced(function* (ovs) {
      yield* ovs.killOvsdb
      yield* ovs.startOvsdb
      yield* ovs.vsctl("-t", "25", "init")
    }),
    ...{ forgets: false, ages: false, mode: "server" }
  },
  // Like `ovs-ctl restart --delete-bridges`.
  "both stopped and started, without the bridges": {
    restart: Effect.fnUntraced(function* (ovs, bridge) {
      yield* ovs.stopVswitchd
      yield* removed(ovs, bridge)
      yield* ovs.stopOvsdb
      yield* ovs.startOvsdb
      yield* ovs.startVswitchd
    }),
    ...{ forgets: true, ages: true, mode: "server" }
  }
}

const groundOf = (node: CniNode["Service"], { ages, forgets, mode, restart }: Kind) => {
  const { called, directory, network, ovs, watched } = node
  const bridge = network.host.bridge.bridgeName
  const inMode = (mode: Kind["mode"]) => ({ ...network, host: { ...network.host, vhost: { mode } } })
  const marks = (port: string, who: Identity) => Object.values(who).every((part) => port.includes(`"${part}"`))
  return {
    directory,
    called,
    networks: { net: inMode("client"), other: inMode(mode) },
    ports: Effect.map(look(watched), ({ tables }) =>
      Object.entries(tables).flatMap(([row, columns]) =>
        row.startsWith("Port ") ? [Object.values(columns).join(" ")] : []
      )
    ),
    isOf: marks,
    everything: Effect.map(look(watched), withoutNumbers),
    restart: restart(ovs, bridge),
    forgets,
    ages: (who) => ages && mode === "server" && who.network === "other",
    clean: Effect.gen(function* () {
      yield* ovs.startMissing
      yield* removed(ovs, bridge)
      for (const name of readdirSync(ovs.runDir).filter((name) => name.startsWith("usp")))
        rmSync(`${ovs.runDir}/${name}`)
    })
  } satisfies Ground<ProgramError> & { readonly clean: Effect.Effect<void, ProgramError> }
}

const usual = 4

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("attachments are as the model says", (test) => {
  for (const [name, kind] of Object.entries(kinds)) {
    test(
      name,
      () =>
        Effect.gen(function* () {
          const node = yield* CniNode
          const { netns } = yield* node.sandbox
          yield* allHold(name, groundOf(node, kind), netns, usual)
        }),
      timeoutOf(usual)
    )
  }
})
