import { defineConfig } from "vitest/config"
import { RunningTests } from "./test/support/RunningTests.ts"

// CI counts the tests of each tier from a report that it names, and says which ones ran when it has to end them.
const { VITEST_REPORT: report, VITEST_RUNNING: running } = process.env
const json = (outputFile: string): ["json", { outputFile: string }] => ["json", { outputFile }]

export default defineConfig({
  test: {
    reporters: [
      "default",
      ...(report === undefined ? [] : [json(report)]),
      ...(running === undefined ? [] : [new RunningTests(running)])
    ],
    coverage: { include: ["src/**/*.ts"], reporter: ["text", "html", "json-summary"] },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/faults/**"],
          // Tests replace edges and leave modules alone: loading Effect once a worker instead of once a file halves the time.
          isolate: false,
          // A deadline for what hangs, not for a machine that is busy.
          testTimeout: 120_000,
          maxWorkers: "100%"
        }
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // Each file has switches, directories and namespaces of its own, and mostly waits for them.
          maxWorkers: Number(process.env["E2E_WORKERS"] ?? 2),
          isolate: false,
          testTimeout: 300_000,
          hookTimeout: 300_000
        }
      },
      {
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          globalSetup: "test/faults/support/Tier.ts",
          // A campaign mostly waits for processes, each of which uses one processor.
          maxWorkers: "100%",
          // And for deadlines, and for a switch that comes back: three columns of a campaign at a time, each on its node.
          sequence: { concurrent: true },
          maxConcurrency: 3,
          testTimeout: 900_000,
          hookTimeout: 120_000
        }
      }
    ]
  }
})
