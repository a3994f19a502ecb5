/** The output of `userspace restore --json`: the outcome for each attachment. */
interface Restored {
  readonly ifName: string
  readonly containerId: string
  readonly outcome: string
  readonly made: ReadonlyArray<string>
  readonly reason: string | null
}

export const restoredJson = (stdout: string): ReadonlyArray<Restored> => JSON.parse(stdout).attachments
