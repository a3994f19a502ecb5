/** Why something could not be put on the node, for people. */
import * as Schema from "effect/Schema"

export class InstallError extends Schema.TaggedError<InstallError>()("InstallError", {
  operation: Schema.String,
  details: Schema.String,
  cure: Schema.String
}) {
  override get message(): string {
    return `${this.operation}: ${this.details}`
  }
}
