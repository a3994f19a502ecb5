/** The executable's processes are bun's, and exist nowhere else. */
import { processes } from "../../suites/ProcessesSuite.ts"
import { runUnderBun } from "../../suites/Run.ts"

runUnderBun("platform/support/bun-processes.ts", [processes])
