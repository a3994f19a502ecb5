/** Why a port cannot be captured, for people, on either switch. Pure. */
import { ErrorCodes } from "../cni/spec/CniError.ts"
import type { VswitchError } from "./VswitchError.ts"

type Why = Pick<VswitchError, "code" | "answer" | "cure">

export const noPort: Why = {
  code: ErrorCodes.SwitchRefused,
  answer: "the switch has no port of this attachment",
  cure: "Run `userspace list`. If the port is missing, `userspace restore` recreates it."
}

/** `pid`: undefined when nobody says. */
export const captured = (port: string, pid: number | undefined): Why => ({
  code: ErrorCodes.AlreadyAttached,
  answer: `port ${port} is being captured already${pid === undefined ? "" : `, by process ${pid}`}`,
  cure: `Wait until that capture has ended, or end it${pid === undefined ? "" : ` (\`kill ${pid}\`)`}. What a killed capture left goes within a minute.`
})

export const unready = (words: string): Why => ({
  code: ErrorCodes.SwitchRefused,
  answer: `the switch cannot use the tap devices of the capture: ${words}`,
  cure: "Run this as root on the node, in the PID namespace of the switch: the devices are made in the switch's network namespace."
})
