import { runEach } from "../suites/Run.ts"
import { slots } from "../suites/SlotsSuite.ts"
import * as NodeSlots from "./support/node/NodeSlots.ts"

runEach(NodeSlots.layer, slots)
