/** The executable's file system is bun's. */
import { filesHeld } from "../../suites/FilesHeldSuite.ts"
import { filesNames } from "../../suites/FilesNamesSuite.ts"
import { files } from "../../suites/FilesSuite.ts"
import { runUnderBun } from "../../suites/Run.ts"

runUnderBun("platform/support/bun-files.ts", [files, filesNames, filesHeld])
