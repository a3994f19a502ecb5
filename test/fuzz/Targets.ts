/** All input from outside. */
import type { Target } from "./support/Fuzz.ts"
import * as Clusters from "./targets/Clusters.ts"
import * as Configurations from "./targets/Configurations.ts"
import * as Containers from "./targets/Containers.ts"
import * as Remembered from "./targets/Remembered.ts"
import * as Streams from "./targets/Streams.ts"
import * as Switches from "./targets/Switches.ts"

export const targets: ReadonlyArray<Target> = [
  ...Configurations.targets,
  ...Remembered.targets,
  ...Clusters.targets,
  ...Containers.targets,
  ...Streams.targets,
  ...Switches.targets
]
