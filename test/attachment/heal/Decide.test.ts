/** The decision for each possible finding: the table of docs/restarts.md, and the memory between rounds. */
import { assert, describe, it } from "@effect/vitest"
import {
  decide,
  due,
  type Memory,
  minute,
  never,
  nothing,
  type Policy,
  remember
} from "../../../src/attachment/heal/Decide.ts"
import type { Port, Seen, Sight } from "../../../src/attachment/heal/Look.ts"
import { idOf } from "../../../src/attachment/node/Survey.ts"
import type { Record } from "../../../src/attachment/records/Record.ts"

const policy: Policy = { repair: "missing", longest: 90_000 }
const all: Policy = { ...policy, repair: "all" }

const record: Record = {
  format: 1,
  network: "net",
  containerId: "c1",
  ifName: "net1",
  netns: "/n/a",
  invocation: "one",
  since: "2026-01-01T00:00:00Z",
  handle: "c1-net1",
  place: { directory: "/d", socketName: "s", socketPath: "/d/s", switchPath: "/d/s", configPath: "/d/c" },
  made: [],
  mac: "02:00:00:00:00:01",
  configuration: "{}",
  args: ""
}
const id = idOf(record)

const there: Port = { _tag: "There", forgotten: [], changed: [] }
const missing: Port = { _tag: "Missing", words: "port is missing" }
const forgot: Port = { _tag: "There", forgotten: ["the flow is missing"], changed: [] }
const changed: Port = { _tag: "There", forgotten: [], changed: ["VLAN is 7, not 5"] }
const both: Port = { _tag: "There", forgotten: ["the flow is missing"], changed: ["VLAN is 7, not 5"] }

const seen = (more: Partial<Seen>): Seen => ({ record, stage: "whole", sandbox: "there", port: there, ...more })
const sight = (now: number, ...all: ReadonlyArray<Seen>): Sight => ({
  now,
  partial: false,
  seen: all,
  unrecorded: [],
  silent: []
})

/** In words: the finding, and the action. */
const words = (look: Sight, memory: Memory, wanted: Policy) =>
  decide(look, memory, wanted).findings.map(
    ({ action, kind }) =>
      `${kind}: ${action._tag === "Do" ? action.deed : action._tag === "Wait" ? `${action.deed} at ${action.until}` : "report"}`
  )

const now = 1_000_000
const gone = (since: number): Memory => ({ ...nothing, gone: new Map([[id, since]]) })
const tried = (at: number, failures: number, returned?: number): Memory => ({
  ...nothing,
  tries: new Map([[id, { at, failures }]]),
  returned
})

const cases: ReadonlyArray<readonly [string, Partial<Seen>, Memory, Policy, ReadonlyArray<string>]> = [
  ["all well", {}, nothing, policy, []],
  ["a port that is missing", { port: missing }, nothing, policy, ["missing: restore"]],
  ["a part that the switch forgot", { port: forgot }, nothing, policy, ["forgotten: restore"]],
  ["a port that somebody changed", { port: changed }, nothing, policy, ["changed: report"]],
  ["the same, all is to be repaired", { port: changed }, nothing, all, ["changed: repair"]],
  ["both", { port: both }, nothing, policy, ["forgotten: restore", "changed: report"]],
  ["both, all is to be repaired: once", { port: both }, nothing, all, ["changed: repair"]],
  ["a switch that was not asked", { port: { _tag: "Unasked" } }, nothing, all, []],
  ["missing, its ADD or DEL under way", { port: missing, stage: "in transit" }, nothing, all, []],
  ["missing, a DEL has failed", { port: missing, stage: "deferred" }, nothing, all, []],
  ["missing, its sandbox cannot be judged", { port: missing, sandbox: "unknown" }, nothing, all, []],
  ["changed, its ADD or DEL under way", { port: changed, stage: "in transit" }, nothing, all, []],
  ["a sandbox gone, seen first", { sandbox: "gone" }, nothing, policy, [`stale: delete at ${now + minute}`]],
  ["seen again too early", { sandbox: "gone" }, gone(now - minute + 1), policy, [`stale: delete at ${now + 1}`]],
  ["seen again a minute later", { sandbox: "gone" }, gone(now - minute), policy, ["stale: delete"]],
  ["with its port missing: not made again", { sandbox: "gone", port: missing }, gone(0), policy, ["stale: delete"]],
  ["after a DEL that failed", { sandbox: "gone", stage: "deferred" }, gone(now - minute), policy, ["stale: delete"]],
  [
    "an ADD or DEL that may be under way: not before it must have ended",
    { sandbox: "gone", stage: "in transit" },
    gone(now - minute),
    policy,
    [`stale: delete at ${now + 30_000}`]
  ],
  ["that was killed", { sandbox: "gone", stage: "in transit" }, gone(now - 90_000), policy, ["stale: delete"]],
  [
    "repaired less than a minute ago",
    { port: missing },
    tried(now - 1, 0),
    policy,
    [`missing: restore at ${now - 1 + minute}`]
  ],
  ["a minute ago", { port: missing }, tried(now - minute, 0), policy, ["missing: restore"]],
  ["before the switch came back", { port: missing }, tried(now - 2, 0, now - 1), policy, ["missing: restore"]],
  [
    "after the switch came back",
    { port: missing },
    tried(now - 1, 0, now - 2),
    policy,
    [`missing: restore at ${now - 1 + minute}`]
  ],
  ["failed once", { port: missing }, tried(now, 1), policy, [`missing: restore at ${now + 5_000}`]],
  ["failed three times", { port: missing }, tried(now, 3), policy, [`missing: restore at ${now + 20_000}`]],
  ["failed for a day", { port: missing }, tried(now, 300), policy, [`missing: restore at ${now + 10 * minute}`]],
  ["failed, and the switch came back", { port: missing }, tried(now - 2, 300, now - 1), policy, ["missing: restore"]],
  [
    "a DEL that fails is tried again later",
    { sandbox: "gone" },
    { ...tried(now, 2), ...{ gone: new Map([[id, 0]]) } },
    policy,
    [`stale: delete at ${now + 10_000}`]
  ],
  [
    "another ADD of the same attachment",
    { port: missing, record: { ...record, invocation: "two" } },
    tried(now, 3),
    policy,
    ["missing: restore"]
  ]
]

describe("the decision", () => {
  it.each(cases)("%s", (_, one, memory, wanted, expected) => {
    assert.deepStrictEqual(words(sight(now, seen(one)), memory, wanted), expected)
  })

  it("an isolated attachment gets its port no more; one that is held back gets it later", () => {
    const isolated: Policy = { ...all, isIsolated: ({ invocation }) => invocation === "one" }
    assert.deepStrictEqual(words(sight(now, seen({ port: missing })), nothing, isolated), ["isolated: report"])
    assert.deepStrictEqual(words(sight(now, seen({ sandbox: "gone" })), gone(0), isolated), ["stale: delete"])
    const held = (until: number): Policy => ({ ...policy, heldUntil: (one) => (one === id ? until : 0) })
    assert.deepStrictEqual(words(sight(now, seen({ port: missing })), nothing, held(now + 7)), [
      `missing: restore at ${now + 7}`
    ])
    assert.deepStrictEqual(words(sight(now, seen({ port: missing })), nothing, held(now)), ["missing: restore"])
  })

  it("a port with our mark and no record is reported, with either --repair", () => {
    const owned = {
      network: "net",
      containerId: "c9",
      ifName: "net1",
      pod: undefined,
      port: "uspx",
      socketPath: undefined,
      state: ""
    }
    assert.deepStrictEqual(words({ ...sight(now), unrecorded: [owned] }, nothing, all), ["unrecorded: report"])
  })
})

describe("the memory between rounds", () => {
  it("forgets a missing sandbox when it is there again", () => {
    const first = decide(sight(0, seen({ sandbox: "gone" })), nothing, policy).memory
    const second = decide(sight(30_000, seen({})), first, policy).memory
    assert.deepStrictEqual(words(sight(minute, seen({ sandbox: "gone" })), second, policy), [
      `stale: delete at ${2 * minute}`
    ])
  })

  it("keeps the state of other attachments after a partial round", () => {
    const first = decide(sight(0, seen({ sandbox: "gone" })), remember(nothing, 0, [[record, "failed"]]), policy).memory
    const other = seen({ record: { ...record, containerId: "c2" } })
    const second = decide({ ...sight(1, other), partial: true }, first, policy).memory
    assert.deepStrictEqual(second, first)
    assert.deepStrictEqual(decide(sight(1, other), first, policy).memory, nothing)
  })

  it("counts failures in a row until a success, a switch that is away included", () => {
    const ending = (...endings: ReadonlyArray<"done" | "failed" | "absent">) =>
      endings.reduce((memory, how) => remember(memory, 7, [[record, how]]), nothing).tries.get(id)
    assert.deepStrictEqual(ending("failed", "failed"), { at: 7, failures: 2 })
    assert.deepStrictEqual(ending("absent", "absent", "absent"), { at: 7, failures: 1 })
    assert.deepStrictEqual(ending("failed", "failed", "absent"), { at: 7, failures: 2 })
    assert.deepStrictEqual(ending("failed", "done"), { at: 7, failures: 0 })
  })

  it("the next deadline is the earliest of those that wait", () => {
    const { findings } = decide(
      sight(now, seen({ sandbox: "gone" }), seen({ record: { ...record, containerId: "c2" }, port: missing })),
      remember(nothing, now, [[{ ...record, containerId: "c2" }, "failed"]]),
      policy
    )
    assert.strictEqual(due(findings), now + 5_000)
    assert.strictEqual(due([]), never)
  })
})
