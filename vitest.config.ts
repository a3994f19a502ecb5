import { defineConfig } from "vitest/config"

// CI counts the tests of each tier from a report that it names.
const report = process.env["VITEST_REPORT"]

export default defineConfig({
  test: {
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
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
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000
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
