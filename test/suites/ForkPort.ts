/**
 * The transactions of fivetime/userspace-cni (June 2026, cniovs/ovsdb.go): a bridge without a port of its own; a marked
 * Interface and an unmarked Port of the same name.
 */
import type { Operation, Row } from "../../src/ovs/client/OvsdbMessages.ts"

export const marks = (ids: Readonly<Record<string, string>>) => ["map", Object.entries(ids)] as const

export const forkMarks = (containerId: string, ifName = "net1") => ({
  owner: "userspace-cni",
  "container-id": containerId,
  interface: ifName
})

export interface ForkPort {
  readonly bridge: string
  readonly name: string
  readonly ids: Readonly<Record<string, string>>
  /** Undefined: server mode. */
  readonly socketPath: string | undefined
  readonly row?: Row
  readonly port?: Row
}

export const forkBridge = (name: string): ReadonlyArray<Operation> => [
  { op: "insert", table: "Bridge", "uuid-name": "b", row: { name, datapath_type: "netdev" } },
  {
    op: "mutate",
    table: "Open_vSwitch",
    where: [],
    mutations: [["bridges", "insert", ["set", [["named-uuid", "b"]]]]]
  }
]

export const forkPort = ({ bridge, ids, name, port, row, socketPath }: ForkPort): ReadonlyArray<Operation> => [
  {
    op: "insert",
    table: "Interface",
    "uuid-name": "i",
    row: {
      name,
      type: socketPath === undefined ? "dpdkvhostuser" : "dpdkvhostuserclient",
      ...(socketPath === undefined ? {} : { options: marks({ "vhost-server-path": socketPath }) }),
      external_ids: marks(ids),
      ...row
    }
  },
  { op: "insert", table: "Port", "uuid-name": "p", row: { name, interfaces: ["named-uuid", "i"], ...port } },
  {
    op: "mutate",
    table: "Bridge",
    where: [["name", "==", bridge]],
    mutations: [["ports", "insert", ["set", [["named-uuid", "p"]]]]]
  }
]
