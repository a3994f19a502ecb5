/**
 * Applications at the container's end of a vhost-user port: DPDK's testpmd on virtio-user, without hugepages, hardware
 * or privileges. The sender emits exactly one burst of 32 packets; the receiver counts. The arguments work for a
 * process here and for a container's command.
 */
import { readFileSync } from "node:fs"
import { Effect, type Scope } from "effect"
import { lastSeen, until } from "../../support/Until.ts"
import { cleanEnvironment, type ProgramError, type Running, start } from "./Program.ts"

/** One burst of testpmd's `--tx-first`. */
export const burst = 32
/** Bytes of each of its packets. */
export const frame = 64

export interface End {
  /** Unique on the machine: DPDK's file prefix. */
  readonly name: string
  /** The application's view. */
  readonly socket: string
  /** `server`: the application creates the socket and the switch connects. */
  readonly mode: "server" | "client"
  readonly mac: string
}

/** The arguments that open the port, as printed by `userspace container testpmd`. */
type Opening = ReadonlyArray<string>

export const opening = ({ mac, mode, socket }: Omit<End, "name">): Opening => [
  "--no-pci",
  "--no-huge",
  `--vdev=net_virtio_user0,path=${socket},mac=${mac}${mode === "server" ? ",server=1" : ""}`
]

const common = (name: string, opening: Opening): ReadonlyArray<string> => [
  // Both logical cores may run on either CPU: two testpmd and the switch share them.
  "--lcores=0@(0,1),1@(0,1)",
  "--no-telemetry",
  "-m",
  "64",
  `--file-prefix=${name}`,
  ...opening,
  "--",
  "--total-num-mbufs=2048",
  "--stats-period=1",
  "--no-mlockall"
]

export const receiver = (name: string, opening: Opening): ReadonlyArray<string> => [
  ...common(name, opening),
  "--forward-mode=rxonly",
  "--auto-start"
]

export const sender = (name: string, opening: Opening, to: string): ReadonlyArray<string> => [
  ...common(name, opening),
  "--forward-mode=io",
  "--tx-first",
  `--eth-peer=0,${to}`
]

/** Sends a burst at each {@link sendBurst}. */
export const promptedArguments = (end: End, to: string): ReadonlyArray<string> => [
  ...common(end.name, opening(end)),
  "--interactive",
  "--forward-mode=rxonly",
  `--eth-peer=0,${to}`
]

export const sendBurst = (prompted: Testpmd) => prompted.write("start tx_first\nstop\n")

/** Sends as fast as it can. */
export const flooderArguments = (end: End, to: string): ReadonlyArray<string> => [
  ...common(end.name, opening(end)),
  "--forward-mode=txonly",
  "--auto-start",
  `--eth-peer=0,${to}`
]

export const receiverArguments = (end: End): ReadonlyArray<string> => receiver(end.name, opening(end))

export const senderArguments = (end: End, to: string): ReadonlyArray<string> => sender(end.name, opening(end), to)

/** Receives on several ports. */
export const receiversArguments = (name: string, ends: ReadonlyArray<Omit<End, "name">>): ReadonlyArray<string> =>
  receiver(name, [
    ...["--no-pci", "--no-huge"],
    ...ends.map(
      ({ mac, mode, socket }, n) =>
        `--vdev=net_virtio_user${n},path=${socket},mac=${mac}${mode === "server" ? ",server=1" : ""}`
    )
  ])

/** Sends the frames of a pcap file. `commands`: how, and the start. */
export const replayArguments = (
  name: string,
  opening: Opening,
  file: string,
  commands: string
): ReadonlyArray<string> => [
  ...common(`${name}r`, [...opening, `--vdev=net_pcap0,rx_pcap=${file}`]),
  // Without it, the file's frames are dropped at the start.
  "--no-flush-rx",
  `--cmdline-file=${commands}`
]

export interface Testpmd extends Running {
  readonly log: string
}

/** On SIGINT it removes its socket, like an application that ends in order. */
export const run = (
  name: string,
  directory: string,
  args: ReadonlyArray<string>
): Effect.Effect<Testpmd, ProgramError, Scope.Scope> => {
  const log = `${directory}/testpmd-${name}.log`
  const isPrompted = args.includes("--interactive")
  // Into a file, what answers a command would wait for more.
  const [program, ...before] = [...(isPrompted ? ["/usr/bin/stdbuf", "-oL"] : []), "/usr/bin/dpdk-testpmd"]
  return Effect.map(
    start(program, [...before, ...args], {
      env: { ...cleanEnvironment, RUNTIME_DIRECTORY: directory },
      log,
      stop: "SIGINT",
      ...(isPrompted ? { stdin: { is: "silent" } as const } : {})
    }),
    (running) => ({ ...running, log })
  )
}

export const stop = (testpmd: Testpmd) => Effect.andThen(testpmd.signal("SIGINT"), testpmd.outcome)

/** What a prompted one says that it has sent. */
export const sent = Effect.fnUntraced(function* (prompted: Testpmd) {
  yield* prompted.write("show port stats 0\n")
  const counted = /NIC statistics for port 0[\s\S]*?TX-packets: (\d+)/
  const said = yield* until(
    "testpmd's statistics",
    Effect.sync(() => readFileSync(prompted.log, "utf8")),
    (text) => counted.test(text)
  )
  return Number(counted.exec(said)?.[1])
})

/** The last count of a receiver. Its log may start with what the container's runtime puts before each line. */
export const received = (log: string): Effect.Effect<number> =>
  Effect.map(
    Effect.orElseSucceed(
      Effect.try(() => readFileSync(log, "utf8")),
      () => ""
    ),
    (text) => Number([...text.matchAll(/RX-packets: (\d+)/g)].at(-1)?.[1] ?? 0)
  )

/** Waits until the receiver has counted this many; returns its count at the deadline. */
export const receivedAtLeast = (log: string, wanted: number): Effect.Effect<number> =>
  lastSeen(received(log), (counted) => counted >= wanted)
