/** TRACEPARENT as runtimes pass it (W3C Trace Context, level 1). */
import { assert, describe, it } from "@effect/vitest"
import { parseTraceparent } from "../../src/program/Trace.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

describe("TRACEPARENT", () => {
  it.each([
    ["01", true],
    ["00", false],
    // Only the lowest bit counts; level 2 has a second flag.
    ["03", true],
    ["02", false]
  ])("with flags %s", (flags, sampled) => {
    const parent = parseTraceparent(`00-${traceId}-${spanId}-${flags}`)
    assert.deepStrictEqual([parent?.traceId, parent?.spanId, parent?.sampled], [traceId, spanId, sampled])
  })

  it.each([
    undefined,
    "",
    "00",
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-x`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `ff-${traceId}-${spanId}-01`,
    ` 00-${traceId}-${spanId}-01`
  ])("%s is ignored", (header) => {
    assert.isUndefined(parseTraceparent(header))
  })
})
