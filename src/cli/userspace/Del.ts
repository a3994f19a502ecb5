/** `userspace del` */
import * as Command from "effect/cli/Command"
import { attachmentFlags } from "../AttachmentFlags.ts"
import { perform } from "../Perform.ts"

export const del = Command.make("del", attachmentFlags, perform("DEL")).pipe(
  Command.withDescription("Delete the interface and all that belongs to it; twice is no error")
)
