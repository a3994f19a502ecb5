/** `userspace check` */
import * as Command from "effect/cli/Command"
import { attachmentFlags } from "../AttachmentFlags.ts"
import { perform } from "../Perform.ts"

export const check = Command.make("check", attachmentFlags, perform("CHECK")).pipe(
  Command.withDescription("Compare the interface with what ADD left")
)
