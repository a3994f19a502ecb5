/** The suite of `Slots` on bun's layer, under bun. */
import * as BunSlots from "../../../src/platform/bun/BunSlots.ts"
import { report } from "../../suites/Report.ts"
import { slots } from "../../suites/SlotsSuite.ts"

await report(BunSlots.layer, slots)
