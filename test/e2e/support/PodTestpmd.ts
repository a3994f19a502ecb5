/**
 * testpmd in a pod's container, as its image starts it: waits for the pod's interfaces, gets the arguments from the
 * executable, and executes testpmd with them.
 */
import { readdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { Effect } from "effect"
import { type Container, Containerd, type Pod } from "./Containerd.ts"
import { executable } from "./Machine.ts"
import { cleanEnvironment, ProgramError } from "./Program.ts"

interface Wanted extends Pick<Container, "mounts" | "user"> {
  readonly environment?: Container["environment"]
  /** testpmd's arguments without those of the interface. */
  readonly args: ReadonlyArray<string>
}

const image: Container["mounts"] = [
  { at: "/usr", from: "/usr", readonly: true },
  { at: "/image/userspace", from: executable, readonly: true },
  { at: "/image/pod-testpmd", from: resolve("scripts/image/testpmd/pod-testpmd"), readonly: true }
]

/** Returns the path of its output. */
export const run = Effect.fn("PodTestpmd.run")(function* (pod: Pod, { args, environment, mounts, user }: Wanted) {
  const own = args.indexOf("--")
  return yield* (yield* Containerd).runContainer(pod, {
    name: "testpmd",
    command: "/bin/sh",
    args: ["/image/pod-testpmd", ...args.slice(own + 1)],
    environment: {
      ...cleanEnvironment,
      PATH: "/image:/bin:/usr/bin",
      RUNTIME_DIRECTORY: "/tmp",
      NO_HUGE: "1",
      DPDK_ARGUMENTS: args.slice(0, own).join(" "),
      ...environment
    },
    mounts: [...image, ...mounts],
    user
  })
})

const commandLine = (pid: string): ReadonlyArray<string> => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")

/** The only testpmd that runs with this word among its arguments: its file prefix. */
const running = Effect.fn("PodTestpmd.running")(function* (word: string) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  // A process may end meanwhile.
  const all = yield* Effect.forEach(pids, (pid) =>
    Effect.orElseSucceed(
      Effect.try(() => ({ pid, words: commandLine(pid) })),
      () => ({ pid, words: [] })
    )
  )
  const [found, ...others] = all.filter(
    ({ words: [program, ...words] }) => program === "dpdk-testpmd" && words.includes(word)
  )
  return found !== undefined && others.length === 0
    ? found
    : yield* new ProgramError({ program: "dpdk-testpmd", problem: `not one runs with ${word}` })
})

export const wordsOf = (word: string) => Effect.map(running(word), ({ words }) => words)

/** The content of its own `/proc/self/mountinfo`. */
export const mountsOf = (word: string) =>
  Effect.map(running(word), ({ pid }) => readFileSync(`/proc/${pid}/mountinfo`, "utf8"))
