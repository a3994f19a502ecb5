/** The suites of `Files` under bun on the asynchronous layer. */
import { Layer } from "effect"
import * as AsyncFiles from "../../../src/platform/async/AsyncFiles.ts"
import { filesHeld } from "../../suites/FilesHeldSuite.ts"
import { filesNames } from "../../suites/FilesNamesSuite.ts"
import { files } from "../../suites/FilesSuite.ts"
import { report } from "../../suites/Report.ts"
import * as RealSite from "./RealSite.ts"

await report(Layer.merge(AsyncFiles.layer(), RealSite.layer), files, filesNames, filesHeld)
