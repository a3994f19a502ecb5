/** Why the container's end could not be had: what was asked, what is so, what to do. */
import * as Schema from "effect/Schema"

export class ContainerError extends Schema.TaggedError<ContainerError>()("ContainerError", {
  operation: Schema.String,
  /** One line each. */
  details: Schema.Array(Schema.String),
  cure: Schema.String
}) {
  override get message(): string {
    return [this.operation, ...this.details.map((detail) => `  ${detail}`), this.cure].join("\n")
  }
}
