/** `userspace check`, `del` and `restore` from the records, on a node in memory: which attachments, and `del` of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { network } from "../dry-run/support/Calls.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { add, recordOf, stateDir } from "./support/Attached.ts"
import { file, type } from "./support/Terminal.ts"
import { long, pod, ports, rows, three } from "./support/ThreePods.ts"

describe("the selectors", () => {
  const named: ReadonlyArray<readonly [string, number]> = [
    ["--pod default/web-0", 2],
    ["--pod default/web-0 --ifname net2", 1],
    ["--ifname net1", 3],
    ["--container-id 7d", 1],
    ["--container-id 7d1c0b6a9e55", 1],
    [`--container-id ${long[0]}`, 2],
    ["--container-id 0958c8871b32 --pod default/web-1", 1]
  ]
  it.effect.each(named)("%s", ([line, count]) =>
    Effect.gen(function* () {
      const node = yield* three()
      for (const command of ["check", "restore"]) {
        const { stderr, stdout, well } = yield* type(node, [command, ...line.split(" ")])
        assert.isTrue(well, stderr)
        assert.lengthOf(rows(stdout), count)
      }
      const { well } = yield* type(node, ["del", ...line.split(" ")])
      assert.isTrue(well)
      assert.lengthOf(ports(node), 4 - count)
    })
  )

  it.effect.each(["check", "del", "restore"])("of %s refuse a prefix of two containers, and list both", (command) =>
    Effect.gen(function* () {
      const node = yield* three()
      const before = node.state()
      for (const more of [[], ["--dry-run"]]) {
        const { stderr, stdout, well } = yield* type(node, [command, "--container-id", "0958c8871b32", ...more])
        assert.deepStrictEqual([well, stdout], [false, ""])
        assert.strictEqual(
          stderr,
          `userspace: --container-id 0958c8871b32 is ambiguous
  ${long[0]}  net1 of network net-a  pod default/web-0
  ${long[0]}  net2 of network net-a  pod default/web-0
  ${long[1]}  net1 of network net-a  pod default/web-1
  -> Give more characters of one of them, such as ${long[0]}.
`
        )
      }
      assert.deepStrictEqual(node.state(), before)
    })
  )

  it.effect.each(["check", "del", "restore"])("of %s report that nothing matches", (command) =>
    Effect.gen(function* () {
      const { stderr, well } = yield* type(yield* three(), [command, "--pod", "default/web-9", "--ifname", "net1"])
      assert.isFalse(well)
      assert.include(stderr, "userspace: no such attachment on this node\n")
      assert.include(
        stderr,
        `no record in ${stateDir} matches pod default/web-9, interface net1\n  -> List attachments with \`userspace list\``
      )
    })
  )

  const misused: ReadonlyArray<readonly [line: string, said: string]> = [
    ["check --pod web-0", "--pod web-0 is not NAMESPACE/NAME"],
    ["del --pod a/b/c", "--pod a/b/c is not NAMESPACE/NAME"],
    ["restore --pod a/", "--pod a/ is not NAMESPACE/NAME"],
    ["check --netns /n/a", "--netns needs --config"],
    ["del --args A=B --pod a/b", "--args needs --config"],
    ["check --config net.conf --pod a/b", "--pod is for recorded attachments, --config for a call by hand"],
    ["del --config net.conf --state-dir /s", "--state-dir is for recorded attachments"],
    ["del", "none of --pod, --container-id and --ifname is given"],
    ["del --dry-run", "none of --pod, --container-id and --ifname is given"]
  ]
  it.effect.each(misused)("%s: is a mistake", ([line, said]) =>
    Effect.gen(function* () {
      const node = yield* three()
      const before = node.state()
      const { stderr, stdout, well } = yield* type(node, line.split(" "))
      assert.deepStrictEqual([well, stdout], [false, ""])
      assert.include(stderr, said)
      assert.deepStrictEqual(node.state(), before)
    })
  )
})

describe("del", () => {
  it.effect("without a configuration leaves nothing, and a dry run of it changes nothing", () =>
    Effect.gen(function* () {
      const node = make()
      const empty = node.state()
      yield* add(node, long[0], pod("web-0"))
      const before = node.state()
      const planned = yield* type(node, ["del", "--pod", "default/web-0", "--dry-run"])
      assert.isTrue(planned.well, planned.stderr)
      assert.include(planned.stdout, `Dry run of DEL: net1 of container ${long[0]}, network net-a.`)
      assert.deepStrictEqual(node.state(), before)
      const { stdout, well } = yield* type(node, ["del", "--pod", "default/web-0"])
      assert.deepStrictEqual([well, stdout], [true, `Deleted net1 of container ${long[0]}.\n`])
      assert.deepStrictEqual(node.state(), empty)
    })
  )

  it.effect("continues with the others when one fails", () =>
    Effect.gen(function* () {
      const node = make()
      const elsewhere = { host: { ...network.host, socket: "/other/db.sock" } }
      yield* add(node, "c1", pod("web-0"))
      yield* add(node, "c1", { ...pod("web-0"), CNI_IFNAME: "net2" })
      const path = recordOf("c1-net1")
      const record = JSON.parse(node.files.get(path)?.content ?? "")
      record.configuration = JSON.stringify({ ...JSON.parse(record.configuration), ...elsewhere })
      node.files.put(path, "file", JSON.stringify(record), 0o600)
      const { stderr, stdout, well } = yield* type(node, ["del", "--pod", "default/web-0"])
      assert.isFalse(well)
      assert.include(stderr, "userspace: DEL failed (code 11)")
      assert.include(stdout, "Deleted net2 of container c1")
      assert.lengthOf(ports(node), 1)
    })
  )

  it.effect("with a configuration works as before", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const config = yield* file("net.conf", network)
      const { well } = yield* type(node, ["del", "--config", config, "--container-id", long[2]])
      assert.isTrue(well)
      assert.lengthOf(ports(node), 3)
    })
  )
})
