/** One row of the table of findings. */

/** `note`: worth knowing, and no reason for an exit status of 1. */
export type Severity = "error" | "warning" | "note"

export interface Entry {
  readonly severity: Severity
  /** What it means, as a sentence. */
  readonly means: string
  /** What to do, as an imperative. */
  readonly cure: string
  /** The cure as a command line, or where the cure is an edit, the command that shows whether it has worked. */
  readonly command: string
}

export const entry = (severity: Severity, means: string, cure: string, command: string): Entry => ({
  severity,
  means,
  cure,
  command
})
