/** The suite of `Slots` on bun's layer, under bun. */
import * as BunSockets from "../../../src/platform/bun/BunSockets.ts"
import { report } from "../../suites/Report.ts"
import { slots } from "../../suites/SlotsSuite.ts"

await report(BunSockets.slotsLayer, slots)
