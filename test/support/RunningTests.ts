/** A reporter that keeps the names of the tests that run in a file, for whoever ends a run that hangs. */
import { writeFileSync } from "node:fs"
import type { Reporter, TestCase } from "vitest/node"

export class RunningTests implements Reporter {
  readonly #running = new Map<string, string>()
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  onTestCaseReady({ fullName, id, module }: TestCase): void {
    this.#running.set(id, `  ${module.relativeModuleId} > ${fullName}\n`)
    this.#write()
  }

  onTestCaseResult({ id }: TestCase): void {
    this.#running.delete(id)
    this.#write()
  }

  #write(): void {
    writeFileSync(this.#file, [...this.#running.values()].join(""))
  }
}
