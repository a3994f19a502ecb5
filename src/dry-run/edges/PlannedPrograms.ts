/**
 * {@link Ipam} and {@link Processes} that record the call instead of making it. They verify that the IPAM plugin
 * exists, as the real call does; its result is unknown.
 */
import * as Effect from "effect/Effect"
import type { CniResult } from "../../cni/types/CniResult.ts"
import { type Call, type Delegation, findPlugin, Ipam, IpamError } from "../../ipam/Ipam.ts"
import type { Files } from "../../platform/Files.ts"
import { Processes } from "../../platform/Processes.ts"
import { type PlanRecorder, unknown } from "../plan/Plan.ts"
import type { PlannedFiles } from "./PlannedFiles.ts"

export const ipam = (files: Files["Service"], recorder: PlanRecorder): Ipam["Service"] => {
  const find = (verb: Call, delegation: Delegation) =>
    Effect.tapError(findPlugin(files, verb, delegation), () =>
      recorder.record({ kind: "ipam", plugin: delegation.plugin, verb, program: null })
    )
  const call = Effect.fnUntraced(function* (verb: Call, delegation: Delegation) {
    const { plugin } = delegation
    const program = yield* find(verb, delegation)
    yield* recorder.record({ kind: "ipam", plugin, verb, program })
    const status = yield* Effect.orElseSucceed(files.lstat(program), () => undefined)
    if (status?.kind === "file" && (status.mode & 0o111) === 0) {
      return yield* new IpamError({ plugin, verb, reason: { _tag: "NotRun", answer: "EACCES" } })
    }
  })
  return Ipam.of({
    preflight: (delegation) => Effect.asVoid(find("ADD", delegation)),
    add: (delegation) =>
      Effect.map(call("ADD", delegation), (): CniResult => {
        recorder.unknowns.add(`the addresses, routes and DNS servers: ${delegation.plugin} assigns them`)
        return { interfaces: [], ips: [{ address: unknown }], routes: [], dns: {} }
      }),
    del: (delegation) => call("DEL", delegation),
    ended: () => Effect.void,
    check: (delegation) =>
      Effect.map(call("CHECK", delegation), () => {
        recorder.unknowns.add(`whether ${delegation.plugin} still has the addresses: it was not called`)
      }),
    gc: (delegation) => call("GC", delegation),
    status: (delegation) => call("STATUS", delegation)
  })
}

/** The only other programs are `mount` and `umount` (`BindMount.ts`). The plan continues as if they had run. */
export const processes = (files: PlannedFiles, recorder: PlanRecorder): Processes["Service"] =>
  Processes.of({
    run: Effect.fnUntraced(function* ({ args, program }) {
      const path = args.at(-1) ?? ""
      if (program === "mount") files.mount(path)
      if (program === "umount") yield* files.unmount(path)
      yield* recorder.record({ kind: "program", program, args })
      return { status: 0, stdout: "", stderr: "" }
    })
  })
