/** The executable's listeners are bun's, and exist nowhere else. */

import { runUnderBun } from "../../suites/Run.ts"
import { slots } from "../../suites/SlotsSuite.ts"

runUnderBun("platform/support/bun-slots.ts", [slots])
