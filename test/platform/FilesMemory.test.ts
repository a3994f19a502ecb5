import { filesHeld } from "../suites/FilesHeldSuite.ts"
import { filesNames } from "../suites/FilesNamesSuite.ts"
import { files } from "../suites/FilesSuite.ts"
import { runEach } from "../suites/Run.ts"
import * as MemorySite from "./support/MemorySite.ts"

runEach(MemorySite.layer, files, filesNames, filesHeld)
