/** Transactions as lines for ovs-vsctl(8). End-to-end tests show that ovs-vsctl does the same with them. */
import { assert, it } from "@effect/vitest"
import { vsctlLine } from "../../src/dry-run/ovs/OperationText.ts"
import { map, named, type Operation, set, uuid } from "../../src/ovs/client/OvsdbMessages.ts"

const names: Readonly<Record<string, string>> = { b: "br-a", p: "usp1", q: "usp2" }
const line = (...operations: ReadonlyArray<Operation>) => vsctlLine(operations, (id) => names[id] ?? id)

const port = (row: Extract<Operation, { op: "insert" }>["row"]): Operation => ({ op: "insert", table: "Port", row })
const ports = (mutator: "insert" | "delete", ...ids: ReadonlyArray<string>): Operation => ({
  op: "mutate",
  table: "Bridge",
  where: [["_uuid", "==", uuid("b")]],
  mutations: [["ports", mutator, set(ids.map(uuid))]]
})
const bump: Operation = { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["next_cfg", "+=", 1]] }

it("adds a port to the bridge that the transaction names, and waits as ADD does", () => {
  assert.strictEqual(
    line(port({ name: "usp1", tag: 5 }), ports("insert", "p"), bump),
    "ovs-vsctl add-port br-a usp1 tag=5"
  )
})

it("removes ports from their bridge, and does not wait", () => {
  assert.strictEqual(
    line(ports("delete", "p", "q"), bump),
    "ovs-vsctl --no-wait del-port br-a usp1 -- del-port br-a usp2"
  )
})

it("leaves a bridge's own port and interface to add-br", () => {
  const bridge: Operation = {
    op: "insert",
    table: "Bridge",
    row: { name: "br-b", datapath_type: "netdev", ports: set([named("own"), named("port")]) }
  }
  const own: ReadonlyArray<Operation> = [
    { op: "insert", table: "Interface", row: { name: "br-b", type: "internal" } },
    port({ name: "br-b", interfaces: named("i") })
  ]
  const interfaceRow: Operation = { op: "insert", table: "Interface", row: { name: "usp1", type: "dpdkvhostuser" } }
  assert.strictEqual(
    line(interfaceRow, port({ name: "usp1", interfaces: named("j") }), ...own, bridge, bump),
    "ovs-vsctl add-br br-b -- set Bridge br-b datapath_type=netdev -- add-port br-b usp1 -- set Interface usp1 type=dpdkvhostuser"
  )
})

it("quotes for ovs-vsctl and for the shell", () => {
  const ids = { plain: "a/b-c.d_e", empty: "", colon: "02:00", comma: "a,b", quote: `it's "so"`, dollar: "$HOME" }
  assert.strictEqual(
    line(port({ name: "usp1", trunks: set([6, 7]), external_ids: map(ids) }), ports("insert", "p")),
    `ovs-vsctl add-port br-a usp1 trunks=6,7 external_ids:plain=a/b-c.d_e external_ids:empty='""' ` +
      `external_ids:colon='"02:00"' external_ids:comma='"a,b"' external_ids:quote='"it'\\''s \\"so\\""' ` +
      `external_ids:dollar='"$HOME"'`
  )
})
