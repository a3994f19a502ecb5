/**
 * Programs that really fail: a shell stands between the plugin and the program, and refuses, kills itself, hangs, or
 * kills the plugin. So there is a real process to kill and reap.
 */
import { basename } from "node:path"
import { Effect } from "effect"
import { ProcessError, Processes, type Run } from "../../../src/platform/Processes.ts"
import type { Step } from "./Steps.ts"

const refusal = JSON.stringify({ cniVersion: "1.0.0", code: 11, msg: "ordered refusal" })

/**
 * `"$@"` is the program with its arguments. `sleep` runs in the background: child processes of a program must end as well.
 */
const scripts = {
  refuses: `echo '${refusal}'; exit 1`,
  "fails without a word": "exit 3",
  "says nonsense": '"$@" >/dev/null; echo nonsense',
  "is killed": "kill -KILL $$",
  "is killed late": '"$@" >/dev/null; kill -KILL $$',
  "refuses late": `"$@" >/dev/null; echo '${refusal}'; exit 1`,
  hangs: "sleep 1000 & exec sleep 1000",
  "hangs late": '"$@" >/dev/null; sleep 1000 & exec sleep 1000',
  "stops the plugin": "kill -TERM $PPID; sleep 1000 & exec sleep 1000",
  "kills the plugin": 'kill -KILL $PPID; exec "$@"'
} as const

type Script = keyof typeof scripts

export const over = (processes: Processes["Service"], step: Step): Processes["Service"] => {
  const through = (run: Run, script: Script) =>
    processes.run({
      ...run,
      program: "/bin/sh",
      args: ["-c", scripts[script], "sh", run.program, ...run.args],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...run.env }
    })

  return Processes.of({
    run: (run) => {
      const { args, env, program } = run
      const words = [basename(program), env["CNI_COMMAND"], ...args].filter((word) => word !== undefined)
      const not = (code: string) => Effect.fail(new ProcessError({ program, code }))
      return step(
        {
          edge: "Processes",
          name: `run ${words.join(" ")}`,
          changes: env["CNI_COMMAND"] !== "CHECK",
          waits: true,
          errors: {
            refuses: through(run, "refuses"),
            ENOENT: not("ENOENT"),
            EACCES: not("EACCES"),
            "fails without a word": through(run, "fails without a word"),
            "is killed": through(run, "is killed"),
            "says nonsense": through(run, "says nonsense"),
            "refuses late": through(run, "refuses late"),
            TOOBIG: Effect.andThen(processes.run(run), not("TOOBIG"))
          },
          halves: { SIGTERM: through(run, "stops the plugin"), SIGKILL: through(run, "kills the plugin") },
          lost: through(run, "is killed late"),
          unheard: through(run, "hangs late")
        },
        processes.run(run)
      )
    }
  })
}
