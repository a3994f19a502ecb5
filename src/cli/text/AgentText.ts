/** The agent's status for people. Pure. */
import type { Status } from "../../agent/Status.ts"

/** The agent serves calls of its own version only. */
export const otherVersion = (agent: string, own: string): string =>
  `it has version ${agent}, and this executable ${own}; calls run in their own processes until it is restarted ` +
  "(`systemctl restart userspace-agent`)"

/** `own`: the version of this executable. */
export const agentText = (status: Status, own: string): string => {
  const { calls, healing, lastFailure, pid, rebound, since, socket, state, switches, version } = status
  const row = (name: string, text: string) => `${name.padEnd(14)}${text}`
  return [
    row("Agent", `userspace-cni ${version}, process ${pid}, ${state}, since ${since}`),
    ...(version === own ? [] : [row("", `-> ${otherVersion(version, own)}`)]),
    row("Socket", rebound === 0 ? socket : `${socket} (created again ${rebound} times)`),
    row("Calls", `${calls.running} running, ${calls.queued} waiting`),
    row("So far", `${calls.served} done, ${calls.failed} failed, ${calls.interrupted} interrupted`),
    ...switches.map((one) => row("Switch", `${one.engine} on ${one.control}, kept since ${one.since}`)),
    ...(healing === null
      ? []
      : [
          row("Healing", `${healing.at} looked at ${healing.looked}, found ${healing.findings.length}`),
          ...healing.findings.map((one) => row("", foundText(one))),
          ...healing.problems.flatMap(({ cure, failed }) => [row("", failed), row("", `-> ${cure}`)])
        ]),
    ...(lastFailure === null
      ? []
      : [
          row("Last failure", `${lastFailure.at} ${lastFailure.verb} of ${lastFailure.containerId.slice(0, 12)}`),
          row("", `code ${lastFailure.code}: ${lastFailure.msg}`),
          row("", `-> ${lastFailure.cure}`)
        ])
  ].join("\n")
}

type ObservedAttachment = NonNullable<Status["healing"]>["findings"][number]

const foundText = ({ containerId, finding, interface: ifName, outcome, words }: ObservedAttachment): string =>
  `${finding}, ${outcome}: ${ifName ?? "an interface"} of ${containerId?.slice(0, 12) ?? "a container"}: ${words}`
