/**
 * The full executable, when the client in C (`src/client`) has executed it and told it what to do, with words that no
 * runtime gives to a plugin. stdin has what the client has read.
 *
 * | Words | |
 * | --- | --- |
 * | `resume alone` | make the call, as without an agent: `main.ts` does |
 * | `resume unread` | stdin did not end in time |
 * | `resume take-back INVOCATION [WHY]` | the agent was lost during an ADD, or its answer could not be written: why |
 * | `resume stopped INVOCATION` | the agent was lost after a signal to interrupt the call |
 */
import { readStdin, stdinSeconds } from "../../platform/process/StandardStreams.ts"

const left = () =>
  Promise.all([import("../../app/TakeBack.ts"), readStdin()]).then(([actions, read]) => ({
    actions,
    stdin: "text" in read ? read.text : ""
  }))

const unread = { problem: `did not end within ${stdinSeconds} s` }

export const run = ([, how, invocation = "", untaken]: ReadonlyArray<string>): void => {
  switch (how) {
    case "take-back":
      return void left().then(({ actions, stdin }) => actions.run({ stdin, invocation, untaken }))
    case "stopped":
      return void left().then(({ actions, stdin }) => actions.stopped(stdin, process.env["CNI_COMMAND"] ?? ""))
    default:
      return void import("../../app/CniProcess.ts").then(({ run }) => run(undefined, unread))
  }
}
