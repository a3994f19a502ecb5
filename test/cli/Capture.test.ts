/** `userspace capture` on a node in memory, up to where the devices of the kernel begin: what it refuses, and how. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CurrentUser } from "../../src/platform/process/CurrentUser.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { add, recordOf } from "./support/Attached.ts"
import { type } from "./support/Terminal.ts"

const pod = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0"

const node = Effect.gen(function* () {
  const made = make()
  yield* add(made, "c1", { CNI_ARGS: pod, CNI_IFNAME: "net1" })
  yield* add(made, "c1", { CNI_ARGS: pod, CNI_IFNAME: "net2" })
  return made
})

const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<RegExp>]> = [
  ["nothing that says whose", [], [/^userspace: capture needs an attachment\n/, / {2}-> List attachments with/]],
  [
    "a pod that is not here",
    ["--pod", "default/web-9"],
    [/no such attachment on this node\n.*\n {2}-> List attachments with `userspace list`\.\n$/]
  ],
  ["a pod that is no name", ["--pod", "web-0"], [/--pod web-0 is not NAMESPACE\/NAME/]],
  [
    "a pod with two interfaces",
    ["--pod", "default/web-0"],
    [
      /capture is of one attachment at a time\n {2}net1 of network net-a, container c1\n\s+net2 of/,
      /-> Give --interface/
    ]
  ],
  ["an interface that it has not", ["--pod", "default/web-0", "--interface", "net3"], [/matches .* interface net3/]],
  [
    "no number of packets",
    ["--pod", "default/web-0", "--count", "0"],
    [/--count: "0"\. Expected: a positive number\n/]
  ],
  [
    "a filter without tcpdump",
    ["--pod", "default/web-0", "--interface", "net1", "--filter", "icmp"],
    [/cannot capture \(code 5\)\n {2}tcpdump, which compiles --filter, cannot be run: EACCES/, /-> Install tcpdump/]
  ]
]

describe("userspace capture", () => {
  it.effect.each(cases)("refuses %s", ([, words, wanted]) =>
    Effect.gen(function* () {
      const here = yield* node
      const before = here.state()
      const { stderr, stdout, well } = yield* type(here, ["capture", "-w", "-", ...words])
      assert.deepStrictEqual([well, stdout], [false, ""])
      for (const one of wanted) assert.match(stderr, one)
      assert.deepStrictEqual(here.state(), before)
    })
  )

  it.effect("needs a file", () =>
    Effect.gen(function* () {
      const { stderr, well } = yield* type(yield* node, ["capture", "--pod", "default/web-0"])
      assert.isFalse(well)
      assert.match(stderr, /--write/)
    })
  )

  it.effect("needs the rights of the node: another user is refused before anything is read", () =>
    Effect.gen(function* () {
      const here = yield* node
      const nobody = { edges: Layer.merge(here.edges, Layer.succeed(CurrentUser, { uid: 65534, gids: [] })) }
      const { stderr, well } = yield* type(nobody, ["capture", "--pod", "default/none", "-w", "-"])
      assert.isFalse(well)
      assert.match(
        stderr,
        /^userspace: capture needs the rights of the node\n.*\n {2}-> Run it as root on the node\.\n$/
      )
    })
  )

  it.effect("says when VPP cannot copy the packets", () =>
    Effect.gen(function* () {
      const here = yield* node
      const record = JSON.parse(here.files.get(recordOf("c1-net1"))?.content ?? "")
      const configuration = {
        ...JSON.parse(record.configuration),
        host: { engine: "vpp", iftype: "memif", netType: "interface", memif: { role: "master", mode: "ip" } }
      }
      const changed = JSON.stringify({ ...record, configuration: JSON.stringify(configuration) })
      here.files.put(recordOf("c1-net1"), "file", changed, 0o600)
      const { stderr } = yield* type(here, ["capture", "-w", "-", "--pod", "default/web-0", "--interface", "net1"])
      assert.include(stderr, "a memif in mode ip, and VPP cannot copy what its pod sends")
    })
  )
})
