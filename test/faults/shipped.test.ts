/** The shipped executable cannot be told to fail: it does not know the campaign's variable. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { executable, missing } from "../e2e/support/Machine.ts"
import { variable } from "./process/Order.ts"
import { faulty } from "./support/Ways.ts"

/** bun's forms of strings: one byte for each character, or two. */
const knows = (path: string): boolean => {
  const bytes = readFileSync(path)
  return bytes.includes(Buffer.from(variable, "latin1")) || bytes.includes(Buffer.from(variable, "utf16le"))
}

describe("the fault injection order", () => {
  const absent = missing(["executable"])

  it.skipIf(absent.length > 0)(`is unknown to the shipped executable ${absent.join()}`, () => {
    assert.isFalse(knows(executable))
  })

  it("is known to the faulty one", () => assert.isTrue(knows(faulty)))
})
