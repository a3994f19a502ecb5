/** What is written of a node: the worst first, and never more than fits. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type Inspected, summaryOf } from "../../../src/agent/node-object/Summary.ts"
import { found, nothing } from "../../../src/attachment/doctor/findings/Finding.ts"
import type { Listed } from "../../../src/attachment/node/Listing.ts"
import { ErrorCodes } from "../../../src/cni/types/CniError.ts"

const quiet: Inspected = {
  report: { node: nothing, attachments: [] },
  views: [],
  attachments: [],
  devices: [],
  healed: new Map()
}

const listed = (network: string): Listed => ({
  ...{ network, containerId: "c", ifName: "net1", pod: null, engine: "vpp", control: null, port: null },
  ...{ socketPath: null, state: "some error of a switch", lastState: null, recorded: true, since: null, netns: null },
  ...{ device: null, sandbox: "there" }
})

describe("what is written of a node", () => {
  it("is no bigger with more attachments and networks than it lists", () => {
    const of = (networks: number, each: number) =>
      summaryOf({
        ...quiet,
        attachments: Array.from({ length: networks * each }, (_, index) => listed(`net-${index % networks}`))
      })
    assert.lengthOf(of(64, 2).attachments, 64)
    const many = of(1000, 3)
    const others = { network: "(936 others)", total: 2808, states: { error: 2808 } }
    assert.deepStrictEqual(many.attachments.at(-1), others)
    assert.strictEqual(many.summary.attachments, 3000)
    assert.isBelow(JSON.stringify(many).length, 8192)
  })

  it("names the worst finding as the reason, and counts each", () => {
    const judged = [
      found("a", "hugepages-missing", "none"),
      found("b", "switch-away", "ECONNREFUSED", { unit: "vpp" }),
      found("b", "switch-away", "ECONNREFUSED", { unit: "vpp" }),
      found("c", "ovs-vswitchd-not-asked", "no pidfile")
    ]
    const who = { network: null, containerId: "c", ifName: null, pod: null, inspected: true }
    const away = { code: ErrorCodes.TryAgainLater, failed: "VPP: connect:\n ECONNREFUSED", cure: "Start it." }
    const { conditions, findings, resources, summary, switches } = summaryOf({
      ...quiet,
      report: { node: nothing, attachments: judged.map((one) => ({ ...who, judged: one })) },
      views: [{ at: { engine: "vpp", control: "/run/vpp/api.sock" }, view: Result.fail(away) }],
      devices: [
        { resource: "userspace-cni/a", state: "attached", count: 3 },
        { resource: "userspace-cni/a", state: "unhealthy", count: 5 }
      ]
    })
    assert.strictEqual(summary.findings, "switch-away x2, hugepages-missing, ovs-vswitchd-not-asked")
    assert.deepStrictEqual(
      findings.map(({ severity }) => severity),
      ["error", "warning", "note"]
    )
    assert.deepStrictEqual(
      conditions.map(({ reason, status, type }) => `${type} ${status} ${reason}`),
      ["Ready False SwitchAway", "SwitchReachable False SwitchAway", "Healthy False SwitchAway"]
    )
    assert.strictEqual(summary.switches, "vpp away")
    assert.strictEqual(switches[0]?.message, "VPP: connect: ECONNREFUSED")
    assert.deepStrictEqual(resources, [{ name: "userspace-cni/a", total: 8, used: 3, unhealthy: 5 }])
  })

  it("is healthy without findings, and unknown where something could not be inspected", () => {
    const of = (unseen: ReadonlyArray<string>) =>
      summaryOf({ ...quiet, report: { node: { ...nothing, unseen }, attachments: [] } }).conditions.at(-1)
    assert.deepInclude(of([]), { type: "Healthy", status: "True", reason: "NoFindings" })
    assert.deepInclude(of(["records: EACCES"]), { status: "Unknown", reason: "NotInspected" })
  })
})
