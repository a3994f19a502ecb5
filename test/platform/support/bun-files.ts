/** The suites of `Files` under bun, whose `node:fs` is its own. */
import { Layer } from "effect"
import { Files } from "../../../src/platform/Files.ts"
import { filesHeld } from "../../suites/FilesHeldSuite.ts"
import { filesNames } from "../../suites/FilesNamesSuite.ts"
import { files } from "../../suites/FilesSuite.ts"
import { report } from "../../suites/Report.ts"
import * as RealSite from "./RealSite.ts"

await report(Layer.merge(Files.layer, RealSite.layer), files, filesNames, filesHeld)
