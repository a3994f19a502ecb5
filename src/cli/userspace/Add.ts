/** `userspace add` */
import * as Command from "effect/cli/Command"
import { attachmentFlags } from "../input/AttachmentFlags.ts"
import { perform } from "../perform/Perform.ts"

export const add = Command.make("add", attachmentFlags, perform("ADD")).pipe(
  Command.withDescription("Add the interface, as a runtime's ADD does")
)
