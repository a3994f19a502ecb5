/**
 * Calls on an observed node in memory: every call ends with a document or a documented error, never with a defect; a
 * failed ADD leaves everything as it was; only the directories of the configuration change; the output is JSON of
 * bounded size.
 */

import * as assert from "node:assert/strict"
import { dirname, normalize } from "node:path"
import { Cause, Effect, Exit, type Layer, Logger, Option, Result } from "effect"
import type { Document } from "../../../src/app/CniCall.ts"
import { serve } from "../../../src/app/CniCall.ts"
import { readConfiguration, readEnvelope } from "../../../src/cni/network/Configuration.ts"
import { readRequest } from "../../../src/cni/Request.ts"
import { type CniError, ErrorCodes } from "../../../src/cni/types/CniError.ts"
import { readArgs, type Variables } from "../../../src/cni/types/Environment.ts"
import { deviceInfoPath } from "../../../src/container-config/DeviceInfo.ts"
import type { Edges } from "../../../src/platform/Edges.ts"
import { ancestors } from "../../../src/shared-dir/SocketPaths.ts"
import { make, type Node, netns } from "../../dry-run/support/MemoryNode.ts"

type Verb = "ADD" | "DEL" | "CHECK" | "GC"

export const variables = {
  CNI_CONTAINERID: "0958c8871b32cafe",
  CNI_NETNS: netns,
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin"
}

export const network = {
  cniVersion: "1.1.0",
  name: "net",
  type: "userspace",
  sharedDir: "/run/userspace",
  host: {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: "bridge",
    vhost: { mode: "client", group: "qemu" },
    bridge: { bridgeName: "br-a", vlanId: 7 }
  },
  ipam: { type: "host-local", subnet: "10.9.8.0/24" }
}

/** Of the attachment in {@link variables}. */
export const recordPath = "/var/lib/cni/usrspcni/attachments/0958c8871b32-net1.json"

/** Files that nobody may change. */
const prey: ReadonlyArray<readonly [path: string, text: string]> = [
  ["/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"],
  ["/etc/shadow", "root:*:1:0:99999:7:::\n"],
  ["/root/.ssh/authorized_keys", "ssh-ed25519 AAAA"],
  ["/run/userspace-other/file", "another's"],
  ["/var/lib/cni/networks/net/10.9.8.77", "another's"]
]

export const watchedNode = (): Node => {
  const node = make()
  for (const [path, text] of prey) node.files.put(path, "file", text, 0o600)
  return node
}

const codes: ReadonlySet<number> = new Set(Object.values(ErrorCodes).filter((code) => code !== ErrorCodes.Internal))

/** Maximum length of a document, which a runtime puts into events and logs. */
const longest = 64 << 10

export const judged = (exit: Exit.Exit<Document, CniError>, limit = longest): void => {
  if (Exit.isSuccess(exit)) {
    assert.ok((JSON.stringify(exit.value) ?? "").length <= 8 << 20)
    return
  }
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error === undefined) assert.fail(`no error document: ${Cause.pretty(exit.cause)}`)
  const { code, details, msg } = error
  assert.ok(codes.has(code), `code ${code}: ${msg}`)
  assert.ok(msg !== "" && details !== "")
  assert.ok(msg.length + details.length <= limit, `${msg.length} characters: ${msg.slice(0, 200)}`)
}

export const call = (
  node: Node,
  verb: Verb,
  text: string,
  more: Variables = {},
  edges: Layer.Layer<Edges> = node.edges
): Effect.Effect<Exit.Exit<Document, CniError>> =>
  serve(readRequest({ ...variables, CNI_COMMAND: verb, ...more }, text)).pipe(
    Effect.provide(edges),
    Effect.provide(Logger.layer([])),
    Effect.exit,
    Effect.tap((exit) => Effect.sync(() => judged(exit)))
  )

/** The directories in which a configuration lets the plugin work. */
export const directoriesOf = (text: string, { CNI_ARGS = "", ...others }: Variables = {}): ReadonlyArray<string> => {
  const usual = ["/usr/local/var/run/openvswitch", "/var/run/vpp", "/var/run/openvswitch", "/var/lib/cni/usrspcni"]
  const read = Result.flatMap(readEnvelope(text), (envelope) =>
    Result.flatMap(readArgs(CNI_ARGS), (args) => readConfiguration(envelope, args, others))
  )
  if (Result.isFailure(read)) return usual
  const { netConf } = read.success
  const info = deviceInfoPath(netConf)
  const more = [netConf.sharedDir, netConf.stateDir, info === undefined ? undefined : dirname(info)]
  return [...usual, ...more.flatMap((path) => path ?? [])].map((path) => normalize(path).replace(/(?<=.)\/$/, ""))
}

/**
 * Without the note of an ADD that could not reach the switch (`Records.ts`), which is for a DEL that cannot either;
 * and without directories that contain only it.
 */
const withoutNote = (all: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
  const around = /^\/var\/lib\/cni\/usrspcni(\/attachments(\/[^/]+\.undone)?)?(\/\.userspace-cni)? /
  const isNote = (line: unknown): boolean => typeof line === "string" && around.test(line)
  const has = all.some((line) => typeof line === "string" && /\/attachments\/[^/]+\.undone /.test(line))
  return has ? all.filter((line) => !isNote(line)) : all
}

/** Files, the switch, leases. */
export const state = (node: Node): ReadonlyArray<unknown> => {
  node.ovs.look()
  const all = node.state()
  return Array.isArray(all) ? all.flat() : [all]
}

const changed = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [old, fresh] = [new Set(before), new Set(after)]
  return [...before.filter((line) => !fresh.has(line)), ...after.filter((line) => !old.has(line))]
}

/** Runs `self`; its changed files must be in these directories, or be their parents. */
export const within = <A>(node: Node, directories: ReadonlyArray<string>, self: Effect.Effect<A>): Effect.Effect<A> =>
  Effect.gen(function* () {
    const before = node.files.dump()
    const result = yield* self
    for (const line of changed(before, node.files.dump())) {
      const path = line.slice(0, line.search(/ (file|directory|socket|symlink|other) /))
      const owner = path.endsWith("/.userspace-cni") ? dirname(path) : path
      const allowed = directories.some(
        (directory) =>
          path.startsWith(`${normalize(directory).replace(/\/$/, "")}/`) || ancestors(directory).includes(owner)
      )
      assert.ok(allowed, `changed ${JSON.stringify(line)}`)
      assert.ok(!path.includes("\0") && !path.split("/").includes(".."), `made ${JSON.stringify(path)}`)
    }
    return result
  })

/** ADD, CHECK, DEL with this configuration: nothing is left, whatever ADD does. */
export const lifeOf = Effect.fnUntraced(function* (
  text: string,
  more: Variables = {},
  node: Node = watchedNode(),
  edges: Layer.Layer<Edges> = node.edges
) {
  const directories = directoriesOf(text, more)
  const before = state(node)
  const added = yield* within(node, directories, call(node, "ADD", text, more, edges))
  if (Exit.isFailure(added)) assert.deepEqual(withoutNote(state(node)), before)
  yield* within(node, [], call(node, "CHECK", text, more, edges))
  const deleted = yield* within(node, directories, call(node, "DEL", text, more, edges))
  if (Exit.isSuccess(added)) {
    assert.ok(Exit.isSuccess(deleted), String(deleted))
    assert.deepEqual(state(node), before)
  }
})
