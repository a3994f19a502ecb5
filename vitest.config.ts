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
          exclude: ["test/e2e/**"],
          // Tests replace edges and leave modules alone: loading Effect once a worker instead of once a file halves the time.
          isolate: false,
          maxWorkers: "100%"
        }
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000
        }
      }
    ]
  }
})
