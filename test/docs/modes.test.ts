/** The modes in docs/security.md are those of the plugin's files: calls on a node in memory show them. */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { serve } from "../../src/app/CniCall.ts"
import * as Sink from "../../src/attachment/capture/Sink.ts"
import { defaultLogOptions } from "../../src/cni/network/LogOptions.ts"
import { readRequest } from "../../src/cni/Request.ts"
import { writeKubeconfig } from "../../src/install/AccountKubeconfig.ts"
import * as Log from "../../src/program/Log.ts"
import { make, type Node, netns } from "../dry-run/support/MemoryNode.ts"
import { hostPath, PodWorld, asked as podAsked } from "../kubernetes/support/PodWorld.ts"
import * as FilesMemory from "../platform/support/FilesMemory.ts"
import { rowsBelow } from "./support/Markdown.ts"
import { bases, type Json, put } from "./support/Networks.ts"

const base = put(put(bases["ovs-dpdk"], "sharedDir", "/run/shared"), "stateDir", "/state")
const served = put(base, "host.vhost.mode", "server")
const ofGroup = put(served, "host.vhost.group", "qemu")
const describing = put(base, "runtimeConfig", { CNIDeviceInfoFile: "/run/devinfo/a.json" })
const far = put(base, "sharedDir", `/run/${"far".repeat(40)}`)

const variables = { CNI_CONTAINERID: "c1", CNI_NETNS: netns, CNI_IFNAME: "net1", CNI_PATH: "/opt/cni/bin" }

const octal = (mode = 0): string => (mode & 0o7777).toString(8).padStart(4, "0")

/** The group, if it is not root's. */
const modeAt = (node: Pick<Node, "files">, path: string): string => {
  const { gid = 0, mode } = node.files.get(path) ?? assert.fail(`${path} is not there`)
  return `${octal(mode)}${gid === 0 ? "" : ` of ${gid}`}`
}

const added = Effect.fnUntraced(function* (conf: Json, node: Node = make()) {
  yield* serve(readRequest({ ...variables, CNI_COMMAND: "ADD" }, JSON.stringify(conf))).pipe(
    Effect.provide(node.edges),
    Effect.provide(Logger.layer([]))
  )
  return node
})

/** After an ADD of each network. */
const at = (path: string, ...networks: ReadonlyArray<Json>) =>
  Effect.forEach(networks, (conf) => Effect.map(added(conf), (node) => modeAt(node, path)))

const record = "/state/attachments/c1-net1.json"

/** After an ADD that cannot reach the switch. */
const noted = Effect.suspend(() => {
  const node = make()
  node.refusal = "ENOENT"
  return Effect.as(Effect.flip(added(base, node)), node)
})

const undone =
  "`attachments/*.undone`, of [ADDs without a switch](restarts.md#a-del-that-has-nothing-to-remove-while-the-switch-is-down)"

/** The mode of a row's file or directory when the plugin creates it; further modes of the row, in its order. */
const measured: Readonly<Record<string, Effect.Effect<ReadonlyArray<string>, unknown>>> = {
  "records, in `attachments/` of `stateDir`": Effect.gen(function* () {
    const node = make()
    const seen: Array<string> = []
    node.programs.set("/opt/cni/bin/host-local", () =>
      Effect.sync(() => {
        seen.push(modeAt(node, record))
        return { status: 0, stdout: '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}', stderr: "" }
      })
    )
    const conf = { ...base, ipam: { type: "host-local" } }
    yield* added(conf, node)
    const whole = modeAt(node, record)
    node.programs.set("/opt/cni/bin/host-local", () => Effect.succeed({ status: 1, stdout: "", stderr: "" }))
    const failing = serve(readRequest({ ...variables, CNI_COMMAND: "DEL" }, JSON.stringify(conf)))
    yield* Effect.flip(Effect.provide(failing, [node.edges, Logger.layer([])]))
    return [whole, ...seen, modeAt(node, record)]
  }),
  "`attachments/` and `links/` of `stateDir`": Effect.map(added(far), (node) => [
    ...new Set([modeAt(node, "/state/attachments"), modeAt(node, "/state/links")])
  ]),
  [undone]: Effect.map(noted, ({ files }) =>
    below(files, "/state/attachments/").flatMap(({ mode, path }) => (path.endsWith(".undone") ? [mode] : []))
  ),
  "a container's directory in `sharedDir`": at("/run/shared/c1", served, ofGroup),
  "a pod's volume, when the plugin makes it": Effect.forEach([undefined, "107"], (group) =>
    Effect.gen(function* () {
      const world = new PodWorld({ volumes: [hostPath("/pods/new")] })
      const { conf } = podAsked
      const vhost = { mode: "client", ...(group === undefined ? {} : { group }) }
      yield* world.add({ ...podAsked, conf: put({ ...Object(conf) }, "host.vhost", vhost) })
      return modeAt(world, "/pods/new")
    })
  ),
  "`.userspace-cni`, in what the plugin has made": at("/run/shared/c1/.userspace-cni", base),
  "`configData-*.json` in a shared directory": at("/run/shared/c1/configData-c1-net1.json", served, ofGroup),
  "sockets that the switch makes": at("/run/shared/c1/c1-net1", served, ofGroup),
  "device information for Multus": at("/run/devinfo/a.json", describing),
  "`logFile`, when the plugin makes it": Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "log-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
  ).pipe(
    Effect.flatMap((directory) => {
      const file = join(directory, "log")
      const written = Effect.sync(() => [octal(statSync(file).mode)])
      return Effect.provide(written, Log.layer({ ...defaultLogOptions, file }))
    }),
    Effect.scoped
  ),
  "file that `userspace capture` writes": Effect.scoped(
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "modes-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      yield* Sink.open(join(directory, "a.pcapng"))
      return [octal(statSync(join(directory, "a.pcapng")).mode)]
    })
  ),
  "kubeconfig that `userspace install` writes": Effect.suspend(() => {
    const files = new FilesMemory.MemoryFiles(["/etc"])
    return writeKubeconfig("/etc/kubeconfig", "").pipe(
      Effect.provide(FilesMemory.layer(files)),
      Effect.map(() => [modeAt({ files }, "/etc/kubeconfig")])
    )
  })
}

/** Files and directories below a directory; a link has no mode. */
const below = (files: Node["files"], directory: string) =>
  files.dump().flatMap((line) => {
    const [path = "", kind, mode = ""] = line.split(" ")
    return path.startsWith(directory) && kind !== "symlink" ? [{ path, mode: mode.padStart(4, "0") }] : []
  })

/** The rows about `stateDir` and `sharedDir`, by their paths. */
const paths: Readonly<Record<string, RegExp>> = {
  "records, in `attachments/` of `stateDir`": /^\/state\/attachments\/[^/]+\.json$/,
  "`attachments/` and `links/` of `stateDir`": /^\/state\/(attachments|links)$/,
  [undone]: /^\/state\/attachments\/[^/]+\.undone$/,
  "a container's directory in `sharedDir`": /^\/run\/shared\/c1$/,
  "`.userspace-cni`, in what the plugin has made": /\/\.userspace-cni$/,
  "`configData-*.json` in a shared directory": /^\/run\/shared\/c1\/configData-[^/]+\.json$/,
  "sockets that the switch makes": /^\/run\/shared\/c1\/c1-net1$/
}

const rows = rowsBelow("docs/security.md", "What is on the node")

describe("what docs/security.md says is on the node", () => {
  it("are what this test inspects", () => {
    assert.deepStrictEqual(
      rows.map(([what]) => what),
      Object.keys(measured)
    )
  })

  it.effect("has a row for all that calls leave in stateDir and sharedDir", () =>
    Effect.gen(function* () {
      const nodes = [...(yield* Effect.forEach([base, served, ofGroup, far], (conf) => added(conf))), yield* noted]
      const left = nodes.flatMap(({ files }) => [...below(files, "/state/"), ...below(files, "/run/shared/")])
      const seen = left.map(({ path }) => {
        const about = Object.entries(paths).flatMap(([row, pattern]) => (pattern.test(path) ? [row] : []))
        assert.lengthOf(about, 1, path)
        return about[0]
      })
      assert.sameMembers([...new Set(seen)], Object.keys(paths))
      for (const row of Object.keys(paths)) assert.property(measured, row)
    })
  )

  it.effect.each(rows)("%s: %s", ([what = "", modes = ""]) =>
    Effect.gen(function* () {
      const found = yield* measured[what] ?? Effect.succeed([])
      const said = [...modes.matchAll(/\b0?[0-7]{3,4}\b/g)].map(([mode]) => mode)
      assert.deepStrictEqual(
        found.map((mode) => mode.slice(0, 4)),
        said
      )
      const ofGroup = found.map((mode) => mode.includes(" of "))
      assert.deepStrictEqual(ofGroup, modes.includes("and that group") ? [false, true] : ofGroup.map(() => false))
    })
  )
})
