/** A reporter that keeps the names of the tests that run in a file, for whoever ends a run that hangs. */
import { writeFileSync } from "node:fs"
import type { Reporter, TestCase } from "vitest/node"

export class RunningTests implements Reporter {
  readonly #ready = new Map<string, TestCase>()
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  onTestCaseReady(test: TestCase): void {
    this.#ready.set(test.id, test)
    this.#write()
  }

  onTestCaseResult({ id }: TestCase): void {
    this.#ready.delete(id)
    this.#write()
  }

  /** Of a short test, the result may come first. */
  #write(): void {
    const running = [...this.#ready.values()].filter((test) => test.result().state === "pending")
    const lines = running.map(({ fullName, module }) => `  ${module.relativeModuleId} > ${fullName}\n`)
    writeFileSync(this.#file, lines.join(""))
  }
}
