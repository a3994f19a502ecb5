/** `userspace add` */
import * as Command from "effect/cli/Command"
import { attachmentFlags } from "../AttachmentFlags.ts"
import { perform } from "../Perform.ts"

export const add = Command.make("add", attachmentFlags, perform("ADD")).pipe(
  Command.withDescription("Add the interface, as a runtime's ADD does")
)
