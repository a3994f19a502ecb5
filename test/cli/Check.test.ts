/** `userspace check` from the records, on a node in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { network } from "../dry-run/support/Calls.ts"
import { database, make } from "../dry-run/support/MemoryNode.ts"
import { add, recordOf, removePort, sandboxOf, stateDir } from "./support/Attached.ts"
import { type } from "./support/Terminal.ts"
import { long, pod, portOf, rows, three } from "./support/ThreePods.ts"

describe("check", () => {
  it.effect("compares every attachment of the node with its own record, and changes nothing", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const before = [node.state(), node.committed.length]
      const { stderr, stdout, well } = yield* type(node, ["check"])
      assert.deepStrictEqual([well, stderr], [true, ""])
      assert.strictEqual(
        stdout,
        `INTERFACE  CONTAINER     NETWORK  POD            RESULT
net1       0958c8871b32  net-a    default/web-0  unchanged since ADD
net2       0958c8871b32  net-a    default/web-0  unchanged since ADD
net1       0958c8871b32  net-a    default/web-1  unchanged since ADD
net1       7d1c0b6a9e55  net-a    default/web-2  unchanged since ADD

4 attachments: 4 unchanged.
`
      )
      assert.deepStrictEqual([node.state(), node.committed.length], before)
    })
  )

  it.effect("calls the IPAM plugin with the environment and configuration of the ADD, except prevResult", () =>
    Effect.gen(function* () {
      const node = make()
      const chained = { cniVersion: "0.3.1", prevResult: { cniVersion: "0.3.1", interfaces: [{ name: "eth0" }] } }
      yield* add(node, "c1", pod("web-0"), chained)
      node.runs.length = 0
      const { stderr, well } = yield* type(node, ["check"], { CNI_PATH: "", CNI_IFNAME: "other", CNI_ARGS: "A=B" })
      assert.isTrue(well, stderr)
      const [run, ...more] = node.runs
      assert.deepStrictEqual(more, [])
      const { env, stdin } = run ?? assert.fail("host-local was not asked")
      assert.deepStrictEqual(
        ["COMMAND", "CONTAINERID", "NETNS", "IFNAME", "ARGS"].map((key) => env[`CNI_${key}`]),
        ["CHECK", "c1", sandboxOf("c1"), "net1", pod("web-0").CNI_ARGS]
      )
      const conf = JSON.parse(stdin)
      assert.deepStrictEqual([conf.prevResult, conf.name, conf.cniVersion], [undefined, "net-a", "0.4.0"])
    })
  )

  it.effect("names every difference of every attachment, as text and as JSON, and fails", () =>
    Effect.gen(function* () {
      const node = yield* three()
      yield* removePort(node, portOf(long[1]))
      node.sandboxes.delete(sandboxOf(long[2]))
      const { stderr, stdout, well } = yield* type(node, ["check"])
      assert.isFalse(well)
      const differing = rows(stdout).slice(2)
      assert.include(differing[0], `net1       0958c8871b32  net-a    default/web-1  differs: port ${portOf(long[1])}`)
      assert.isTrue(differing.some((line) => line.includes(`differs: its sandbox ${sandboxOf(long[2])} is gone`)))
      assert.include(stdout, "4 attachments: 2 unchanged, 2 differ.")
      assert.match(stderr, /^userspace: changed since ADD\n {2}net1 of container 0958c8871b32bbbb, network net-a\n/)
      assert.include(stderr, "-> Run `userspace restore` to recreate ports")
      const json = JSON.parse((yield* type(node, ["check", "--json"])).stdout)
      assert.deepStrictEqual(
        json.attachments.map(({ outcome }: { readonly outcome: string }) => outcome),
        ["whole", "whole", "differs", "differs"]
      )
      assert.include(json.attachments[2].differences, `port ${portOf(long[1])} is missing`)
      assert.deepStrictEqual(json.damaged, [])
    })
  )

  it.effect("skips attachments that are being added or deleted, and says so", () =>
    Effect.gen(function* () {
      const node = yield* three()
      yield* removePort(node, portOf(long[2]))
      const record = node.files.get(recordOf(`${long[2].slice(0, 12)}-net1`)) ?? assert.fail("no record")
      record.mode = 0o400
      const { stdout, well } = yield* type(node, ["check", "--container-id", "7d"])
      assert.isTrue(well)
      assert.include(rows(stdout)[0], "skipped: its ADD is still running, or its DEL has started")
    })
  )

  it.effect("distinguishes a silent switch from a difference", () =>
    Effect.gen(function* () {
      const node = yield* three()
      node.refusal = "ECONNREFUSED"
      const { stderr, stdout, well } = yield* type(node, ["check"])
      assert.isFalse(well)
      assert.include(stdout, "4 attachments: 4 unknown.")
      assert.match(rows(stdout)[0] ?? "", /unknown: Open vSwitch: read port usp\w+: connect on .*: ECONNREFUSED$/)
      assert.match(stderr, /^userspace: cannot compare\n/)
      assert.include(stderr, `-> Check that ovsdb-server runs on this node, that ${database} is its socket`)
    })
  )

  it.effect("warns about an IPAM plugin that compares with the result of ADD, which is no difference", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1")
      const says = (msg: string) =>
        node.programs.set("/opt/cni/bin/host-local", () =>
          Effect.succeed({ status: 1, stdout: JSON.stringify({ code: 999, msg }), stderr: "" })
        )
      says("Required prevResult missing")
      const { stdout, well } = yield* type(node, ["check"])
      assert.isTrue(well)
      assert.deepStrictEqual(rows(stdout), [
        "net1       c1         net-a    -    unchanged since ADD",
        "                                    warning: addresses were not checked: " +
          "IPAM plugin host-local CHECK: code 999: Required prevResult missing"
      ])
      says("Failed to find address added by container c1")
      assert.isFalse((yield* type(node, ["check"])).well)
    })
  )

  it.effect("warns about a port that OVN has not bound, until it has", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(
        node,
        "c1",
        { CNI_ARGS: "IgnoreUnknown=1;OvnPort=lp-1" },
        { host: { ...network.host, netType: "none" } }
      )
      const { stdout, well } = yield* type(node, ["check"])
      assert.isTrue(well)
      assert.include(rows(stdout)[0], "unchanged since ADD")
      assert.include(rows(stdout)[1], `warning: OVN has not bound port ${portOf("c1")} to its logical port lp-1`)
      const [warning] = JSON.parse((yield* type(node, ["check", "--json"])).stdout).attachments[0].warnings
      assert.include(warning, "external_ids:ovn-installed is missing")
      yield* node.ovs.transact([
        {
          op: "mutate",
          table: "Interface",
          where: [["name", "==", portOf("c1")]],
          mutations: [["external_ids", "insert", ["map", [["ovn-installed", "true"]]]]]
        }
      ])
      assert.notInclude((yield* type(node, ["check"])).stdout, "warning")
    })
  )

  it.effect("names a damaged record, and fails", () =>
    Effect.gen(function* () {
      const node = yield* three()
      const path = recordOf(`${long[2].slice(0, 12)}-net1`)
      node.files.put(path, "file", "{", 0o600)
      const { stderr, stdout, well } = yield* type(node, ["check"])
      assert.isFalse(well)
      assert.include(stdout, "3 attachments: 3 unchanged.")
      assert.include(stderr, `cannot check an attachment (code 5)\n  read the record ${path}: the file is corrupt`)
      assert.isTrue((yield* type(node, ["check", "--pod", "default/web-0"])).well)
    })
  )

  it.effect("of a node without attachments, or where there are none", () =>
    Effect.gen(function* () {
      const none = yield* type(make(), ["check"])
      assert.deepStrictEqual(none, { well: true, stderr: "", stdout: `No attachment has a record in ${stateDir}.\n` })
      const other = yield* type(yield* three(), ["check", "--state-dir", "/other"])
      assert.strictEqual(other.stdout, "No attachment has a record in /other.\n")
    })
  )

  it.effect("plans each with --dry-run, which calls no IPAM plugin", () =>
    Effect.gen(function* () {
      const node = yield* three()
      node.runs.length = 0
      const { stdout, well } = yield* type(node, ["check", "--dry-run", "--pod", "default/web-0"])
      assert.isTrue(well)
      assert.lengthOf(
        stdout.match(/^Dry run of CHECK: net[12] of container 0958c8871b32aaaa, network net-a\.$/gm) ?? [],
        2
      )
      assert.deepStrictEqual(node.runs, [])
    })
  )
})
