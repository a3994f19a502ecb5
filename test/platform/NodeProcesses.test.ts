import { processes } from "../suites/ProcessesSuite.ts"
import { runEach } from "../suites/Run.ts"
import * as NodeProcesses from "./support/node/NodeProcesses.ts"

runEach(NodeProcesses.layer, processes)
