import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    coverage: { include: ["src/**/*.ts"], reporter: ["text", "html", "json-summary"] },
    projects: [
      { test: { name: "unit", include: ["test/**/*.test.ts"], exclude: ["test/e2e/**", "test/faults/**"] } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 } },
      { test: { name: "faults", include: ["test/faults/**/*.test.ts"], fileParallelism: false, testTimeout: 300_000, hookTimeout: 120_000 } }
    ]
  }
})
