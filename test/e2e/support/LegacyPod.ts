/** A pod's interface as the original plugin and its fork leave it on Open vSwitch: port, state file, configuration, lease. */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { untilTrue } from "../../support/Until.ts"
import { CniNode, type Sandbox } from "./CniNode.ts"
import { well } from "./Plugin.ts"
import { succeed } from "./Program.ts"
import { returnsTo, type World } from "./World.ts"

export interface LegacyPod {
  readonly mode: "client" | "server"
  /** The socket path that it passed to the switch. */
  readonly directory: string
  /** The rename works on one file system; otherwise its error is ignored. */
  readonly moved?: boolean
  readonly socketfile?: string
  /** The fork's marks. */
  readonly ids?: Readonly<Record<string, string>>
}

export const handleOf = ({ containerId, ifName }: Sandbox): string => `${containerId.slice(0, 12)}-${ifName}`

/** createVhostPort and SaveConfig. */
export const attached = Effect.fnUntraced(function* (
  pod: Sandbox,
  { directory, ids = {}, mode, moved = true, socketfile }: LegacyPod
) {
  const { network, ovs, stateDir, vsctl } = yield* CniNode
  const handle = handleOf(pod)
  const name = socketfile ?? handle
  const type = mode === "client" ? "dpdkvhostuserclient" : "dpdkvhostuser"
  const options = mode === "client" ? [`options:vhost-server-path=${directory}/${name}`] : []
  const marks = Object.entries(ids).map(([key, value]) => `external_ids:${key}="${value}"`)
  yield* vsctl(
    ...["add-port", network.host.bridge.bridgeName, name],
    ...["--", "set", "Interface", name, `type=${type}`, ...options, ...marks]
  )
  if (mode === "server" && moved) renameSync(`${ovs.runDir}/${name}`, `${directory}/${name}`)
  mkdirSync(`${stateDir}/data`, { recursive: true, mode: 0o700 })
  const state = { vhostname: name, vhostmac: "", ifmac: "8e:bf:a9:6f:2d:1d" }
  writeFileSync(`${stateDir}/data/local-${handle}.json`, JSON.stringify(state), { mode: 0o644 })
})

/** The delegate call of its ADD. */
export const leased = Effect.fnUntraced(function* (pod: Sandbox) {
  const { network, plugins } = yield* CniNode
  yield* succeed(`${plugins}/host-local`, [], {
    env: {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: pod.containerId,
      CNI_NETNS: pod.netns,
      CNI_IFNAME: pod.ifName,
      CNI_PATH: plugins
    },
    stdin: JSON.stringify(network)
  })
})

export const told = (pod: Sandbox, directory: string, network: string) =>
  writeFileSync(
    `${directory}/configData-${handleOf(pod)}.json`,
    JSON.stringify({
      containerId: pod.containerId,
      ifName: pod.ifName,
      name: network,
      config: { engine: "ovs-dpdk", iftype: "vhostuser", netType: "interface", vhost: { socketfile: handleOf(pod) } },
      ipResult: { interfaces: [{ name: pod.ifName, sandbox: pod.netns }], ips: [{ address: "10.56.0.2/24" }], dns: {} }
    })
  )

/** DEL with the configuration of today leaves nothing of the pod, and may be repeated. */
export const deleted = Effect.fnUntraced(function* (
  pod: Sandbox,
  { mode, socketfile }: Pick<LegacyPod, "mode" | "socketfile">,
  before: World
) {
  const { call, network, ovs, stateDir, watched } = yield* CniNode
  const vhost = { mode, ...(socketfile === undefined ? {} : { socketfile }) }
  const conf = { ...network, cniVersion: "0.4.0", host: { ...network.host, vhost } }
  well(yield* call("DEL", { ...pod, netns: "" }, conf))
  assert.isFalse(existsSync(`${stateDir}/data`))
  // ovs-vswitchd removes its own socket with a delay.
  yield* untilTrue("the end of the switch's socket", () => !readdirSync(ovs.runDir).includes(handleOf(pod)))
  yield* returnsTo(watched, before)
  well(yield* call("DEL", { ...pod, netns: "" }, conf))
  yield* returnsTo(watched, before)
})
