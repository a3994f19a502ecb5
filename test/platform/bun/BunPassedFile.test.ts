/** The executable receives descriptors by calls of the C library, through bun. */
import { passedFiles } from "../../suites/PassedFileSuite.ts"
import { runUnderBun } from "../../suites/Run.ts"

runUnderBun("platform/support/bun-passed-files.ts", [passedFiles])
