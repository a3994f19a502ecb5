/** The executable's `fetch` is bun's, and exists nowhere else. The peer is here. */
import { Effect } from "effect"
import { https } from "../../suites/HttpsSuite.ts"
import { runUnderBun } from "../../suites/Run.ts"
import { ports } from "../support/HttpsPeer.ts"

runUnderBun(
  "platform/support/bun-https.ts",
  [https],
  Effect.map(ports, (all) => JSON.stringify(all))
)
