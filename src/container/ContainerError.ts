/** Why a container command failed: what failed, what came back, what to do. */
import * as Data from "effect/Data"

export class ContainerError extends Data.TaggedError("ContainerError")<{
  readonly operation: string
  /** One line each. */
  readonly details: ReadonlyArray<string>
  readonly cure: string
}> {
  override get message(): string {
    return [this.operation, ...this.details.map((detail) => `  ${detail}`), this.cure].join("\n")
  }
}
