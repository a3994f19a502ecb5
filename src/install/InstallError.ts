/** Why an installation failed: what failed, what came back, what to do. */
import * as Data from "effect/Data"

export class InstallError extends Data.TaggedError("InstallError")<{
  readonly operation: string
  readonly details: string
  readonly cure: string
}> {
  override get message(): string {
    return `${this.operation}: ${this.details}`
  }
}
