/** Every error that a service or an edge can return to the programs, with a name for each. */

import { RecordError } from "../../../src/attachment/records/RecordError.ts"
import { ErrorCodes } from "../../../src/cni/types/CniError.ts"
import { IpamError } from "../../../src/ipam/Ipam.ts"
import { PodsError } from "../../../src/kubernetes/PodsError.ts"
import * as Ovsdb from "../../../src/ovs/client/OvsdbError.ts"
import { FileError } from "../../../src/platform/Files.ts"
import { SharedDirError } from "../../../src/shared-dir/Directories.ts"
import * as Vpp from "../../../src/vpp/client/VppError.ts"
import { VswitchError } from "../../../src/vswitch/Vswitch.ts"

type Errors = Readonly<Record<string, object>>

const said = { answer: "EIO", cure: "Look." }

const files = (operation: string): Errors =>
  Object.fromEntries(
    ["EIO", "EACCES", "ENOSPC", "EROFS"].map((code) => [code, new FileError({ operation, path: operation, code })])
  )

const ovsdb = (operation: string): Errors => {
  const reasons: ReadonlyArray<Ovsdb.OvsdbError["reason"]> = [
    new Ovsdb.Unreachable({ code: "ECONNREFUSED" }),
    new Ovsdb.NoAnswer({ millis: 5000 }),
    new Ovsdb.ConnectionLost({ code: "Closed" }),
    new Ovsdb.Malformed({ detail: "garbage" }),
    new Ovsdb.Rejected({ at: "commit", error: "resources exhausted", details: "" }),
    new Ovsdb.Contended({ tries: 40 })
  ]
  return Object.fromEntries(
    reasons.map((reason) => [reason._tag, new Ovsdb.OvsdbError({ peer: "/memory", operation, reason })])
  )
}

const vpp = (reasons: ReadonlyArray<Vpp.Reason>): Errors =>
  Object.fromEntries(reasons.map((reason) => [reason._tag, new Vpp.VppError({ peer: "/memory", reason })]))

const noSession = vpp([new Vpp.Unreachable({ code: "ECONNREFUSED" }), new Vpp.NoTurn({ millis: 60_000 })])

const noReply = vpp([
  new Vpp.NoAnswer({ millis: 15_000 }),
  new Vpp.Refused({ name: "", retval: -1 }),
  new Vpp.ConnectionLost({ code: "Closed" }),
  new Vpp.Malformed({ detail: "garbage" })
])

const records = (operation: string): Errors => {
  const of = (code: RecordError["code"]) => new RecordError({ ...said, operation, code })
  return { IoFailure: of(ErrorCodes.IoFailure), AlreadyAttached: of(ErrorCodes.AlreadyAttached) }
}

const ipam = (): Errors => {
  const refused = (code: number) => ({ _tag: "Refused", code, msg: "no", details: "" }) as const
  const reasons: Readonly<Record<string, IpamError["reason"]>> = {
    NotRun: { _tag: "NotRun", answer: "EIO" },
    NotFound: { _tag: "NotFound", path: [] },
    "Refused, try again later": refused(ErrorCodes.TryAgainLater),
    Refused: refused(999),
    Broke: { _tag: "Broke", status: "SIGKILL", stderr: "" },
    Garbage: { _tag: "Garbage", answer: "nonsense" },
    NoAddress: { _tag: "NoAddress" },
    TimedOut: { _tag: "TimedOut", seconds: 30 }
  }
  return Object.fromEntries(
    Object.entries(reasons).map(([name, reason]) => [
      name,
      new IpamError({ plugin: "host-local", verb: "ADD", reason })
    ])
  )
}

const vswitch = (operation: string): Errors => {
  const names = ["SwitchRefused", "DpdkMissing", "AlreadyAttached", "SocketPath", "TryAgainLater"] as const
  return Object.fromEntries(
    names.map((name) => [name, new VswitchError({ ...said, operation, engine: "ovs-dpdk", code: ErrorCodes[name] })])
  )
}

const sharedDir = (operation: string): Errors => {
  const names = ["IoFailure", "SocketPath", "InvalidConfiguration"] as const
  return Object.fromEntries(
    names.map((name) => [name, new SharedDirError({ ...said, operation, code: ErrorCodes[name] })])
  )
}

const pods = (operation: string): Errors => {
  const reasons: ReadonlyArray<PodsError["reason"]> = [
    { _tag: "Unreachable", code: "ECONNREFUSED" },
    { _tag: "TooSlow", seconds: 5 },
    { _tag: "Forbidden", said: "no" },
    { _tag: "NotFound" },
    { _tag: "Conflict" },
    { _tag: "NoAccess", path: "/etc/kubeconfig", problem: "is missing", missing: true }
  ]
  return Object.fromEntries(
    reasons.map((reason) => [`pod: ${reason._tag}`, new PodsError({ server: "", operation, reason })])
  )
}

/** The first one is the most common. */
export const errorsOf = (service: string, operation = ""): Errors => {
  switch (service) {
    case "Files":
      return files(operation)
    case "OvsClient":
      return ovsdb(operation)
    case "VppClient":
      return noSession
    case "VppSession":
      return noReply
    case "Records":
      return records(operation)
    case "Ipam":
      return ipam()
    case "Vswitch":
      return vswitch(operation)
    case "ContainerConfig":
      return { ...sharedDir(operation), ...pods(operation) }
    default:
      return sharedDir(operation)
  }
}
