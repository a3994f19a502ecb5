/**
 * A private OVN on the Open vSwitch under test: both databases, ovn-northd, and ovn-controller for this node, in its
 * directory. Its scope stops them.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { CniNode } from "./CniNode.ts"
import { cleanEnvironment, type ProgramError, start, succeed } from "./Program.ts"

export class Ovn extends Context.Service<
  Ovn,
  {
    /** `ovn-nbctl`; waits until this node's ovn-controller has applied the change. */
    readonly nbctl: (...args: ReadonlyArray<string>) => Effect.Effect<string, ProgramError>
    /** `ovn-sbctl`. */
    readonly sbctl: (...args: ReadonlyArray<string>) => Effect.Effect<string, ProgramError>
  }
>()("userspace-cni/test/Ovn") {
  static readonly layer = Layer.provideMerge(
    Layer.effect(
      Ovn,
      Effect.suspend(() => make)
    ),
    CniNode.layer
  )
}

const schemas = "/usr/share/ovn"

const make = Effect.gen(function* () {
  const { directory, ovs } = yield* CniNode
  const env = { ...cleanEnvironment, OVN_RUNDIR: directory, OVN_LOGDIR: directory, OVS_RUNDIR: ovs.runDir }
  const daemon = (
    program: string,
    name: string,
    ...args: ReadonlyArray<string>
  ): Effect.Effect<unknown, ProgramError, Scope.Scope> =>
    start(program, [...args, `--unixctl=${directory}/${name}.ctl`, `--log-file=${directory}/${name}.log`], {
      env,
      log: `${directory}/${name}.out`,
      stop: "SIGTERM"
    })
  const database = Effect.fnUntraced(function* (name: string) {
    const [file, socket] = [`${directory}/${name}.db`, `${directory}/${name}.sock`]
    yield* succeed("ovsdb-tool", ["create", file, `${schemas}/${name}.ovsschema`])
    yield* daemon("ovsdb-server", name, file, `--remote=punix:${socket}`)
    yield* succeed("sh", ["-c", `until [ -S "$0" ]; do sleep 0.01; done`, socket])
    return `unix:${socket}`
  })
  const north = yield* database("ovn-nb")
  const south = yield* database("ovn-sb")
  yield* daemon("ovn-northd", "ovn-northd", `--ovnnb-db=${north}`, `--ovnsb-db=${south}`)
  yield* ovs.vsctl(
    "set",
    "Open_vSwitch",
    ".",
    "external_ids:system-id=node-1",
    `external_ids:ovn-remote=${south}`,
    "external_ids:ovn-encap-type=geneve",
    "external_ids:ovn-encap-ip=127.0.0.1",
    "external_ids:ovn-bridge-datapath-type=netdev"
  )
  yield* daemon("ovn-controller", "ovn-controller", `unix:${ovs.socket}`)

  return Ovn.of({
    nbctl: (...args) => succeed("ovn-nbctl", [`--db=${north}`, "--timeout=60", "--wait=hv", ...args], { env }),
    sbctl: (...args) => succeed("ovn-sbctl", [`--db=${south}`, "--timeout=60", ...args], { env })
  })
})
