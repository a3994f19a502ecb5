/**
 * A real Open vSwitch with DPDK under a node. A bridge with another's port exists all the time: it must not change, and
 * without it the removal of the datapath's last port would take a second.
 */
import { readdirSync, rmSync } from "node:fs"
import { Effect, type Scope } from "effect"
import { instance } from "../../e2e/support/OvsInstance.ts"
import type { ProgramError } from "../../e2e/support/Program.ts"
import * as Database from "./Database.ts"
import type { Blow, Ground } from "./Ground.ts"
import * as Node from "./Node.ts"

interface Options extends Node.Options {
  /** `host.vhost`. */
  readonly vhost: object
  /** An administrator's bridge with these settings; without them, the plugin creates one. */
  readonly bridge?: ReadonlyArray<string>
}

const bridgeName = "br-faults"

/** The names of its faults. */
export const blows = [
  "ovs-vswitchd killed",
  "ovs-vswitchd restarted",
  "ovsdb-server killed",
  "ovsdb-server restarted"
] as const

/** ovsdb-server's faults have the same effect in all configurations: they run in one. */
export const ofVswitchd: ReadonlyArray<string> = blows.filter((name) => name.startsWith("ovs-vswitchd"))

export const make = Effect.fn("OvsGround.make")(function* ({
  bridge,
  vhost,
  ...options
}: Options): Effect.fn.Return<Ground, ProgramError, Scope.Scope> {
  const ovs = yield* instance()
  /** Address and number are requested: a restarted ovs-vswitchd would choose others. */
  const foreign = (name: string, hwaddr: string, settings: ReadonlyArray<string>) =>
    ovs.vsctl(
      ...["add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev"],
      ...[`other_config:hwaddr="${hwaddr}"`, ...settings],
      ...["--", "add-port", name, `${name}-7`, "--", "set", "Interface", `${name}-7`, "type=dpdkvhostuserclient"],
      ...["ofport_request=7", `options:vhost-server-path=${ovs.vhostDir}/${name}`]
    )
  yield* foreign("br-stays", "02:00:00:00:00:01", [])
  if (bridge !== undefined) yield* foreign(bridgeName, "02:00:00:00:00:02", bridge)

  const flows = Effect.orDie(ovs.ofctl("--no-stats", "dump-flows", `unix:${ovs.runDir}/${bridgeName}.mgmt`))
  const seen = Effect.fnUntraced(function* (configured: boolean) {
    const rows = yield* Database.rows(ovs.socket, configured)
    return bridge === undefined ? rows : { ...rows, flows: yield* flows }
  })

  const blow = (name: (typeof blows)[number], strike: Effect.Effect<void, ProgramError>, deaf = false): Blow => ({
    name,
    strike: Effect.orDie(strike),
    deaf
  })
  const mend = Effect.gen(function* () {
    // By docs/ovs.md: ovs-vswitchd that was killed cannot create its sockets again while their files exist.
    if (!(yield* ovs.vswitchdRuns)) {
      for (const name of readdirSync(ovs.runDir)) if (/^usp/.test(name)) rmSync(`${ovs.runDir}/${name}`)
    }
    yield* ovs.startMissing
    // Returns when ovs-vswitchd has applied the whole database.
    yield* ovs.vsctl("set", "Bridge", "br-stays", "external_ids:mended=yes")
    yield* ovs.vsctl("remove", "Bridge", "br-stays", "external_ids", "mended")
  })

  return yield* Node.make(
    {
      host: {
        engine: "ovs-dpdk",
        iftype: "vhostuser",
        netType: "bridge",
        socket: ovs.socket,
        bridge: { bridgeName },
        vhost
      },
      directory: ovs.runDir,
      seen,
      blows: [
        blow("ovs-vswitchd killed", ovs.killVswitchd),
        blow("ovs-vswitchd restarted", Effect.andThen(ovs.stopVswitchd, ovs.startVswitchd)),
        blow("ovsdb-server killed", ovs.killOvsdb, true),
        blow("ovsdb-server restarted", Effect.andThen(ovs.stopOvsdb, ovs.startOvsdb))
      ],
      mend: Effect.orDie(mend)
    },
    options
  )
})
