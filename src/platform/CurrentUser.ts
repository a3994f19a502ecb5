/** As whom this process runs. A reference, so that tests can be somebody else. */
import * as Context from "effect/Context"

export interface Identity {
  readonly uid: number
  readonly gids: ReadonlyArray<number>
}

export const CurrentUser = Context.Reference<Identity>("userspace-cni/CurrentUser", {
  defaultValue: () => ({
    uid: process.geteuid?.() ?? 0,
    gids: [...(process.getgroups?.() ?? []), process.getegid?.() ?? 0]
  })
})
