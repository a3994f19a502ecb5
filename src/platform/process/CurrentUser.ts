/** The user of this process. A reference, so that tests can replace it. */
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
