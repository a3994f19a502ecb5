/** One row of the table of findings. */

/** `note`: information that does not set exit status 1. */
export type Severity = "error" | "warning" | "note"

export interface Entry {
  readonly severity: Severity
  /** The meaning, as a sentence. */
  readonly means: string
  /** What to do, as an imperative. */
  readonly cure: string
  /** The cure as a command line, or, if the cure is an edit, the command that verifies it. */
  readonly command: string
}

const of =
  (severity: Severity) =>
  (means: string, cure: string, command: string): Entry => ({ severity, means, cure, command })

export const error = of("error")
export const warning = of("warning")
export const note = of("note")
