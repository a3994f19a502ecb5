/** `userspace version` */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import { version as own } from "../../app/Version.ts"
import { supportedVersions } from "../../cni/spec/Versions.ts"
import { yes } from "../input/Flags.ts"

const json = yes("json", "Print JSON")

export const version = Command.make("version", { json }, (options) =>
  Console.log(
    options.json
      ? JSON.stringify({ version: own, supportedVersions })
      : `userspace-cni ${own}\nCNI ${supportedVersions.join(", ")}`
  )
).pipe(Command.withDescription("Print the version and the supported CNI versions"))
