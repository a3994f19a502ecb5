/** The client in C as it is built, analysed and fuzzed. */
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  compile,
  directory,
  hasAnalyser,
  hasMusl,
  pure,
  repository,
  sources,
  unless,
  warnings
} from "./support/Compiled.ts"

describe(`the file for a node${unless(hasMusl, "musl-gcc (musl-tools)")}`, () => {
  it.live.skipIf(!hasMusl)("is static, stripped, and below 100 kB", () =>
    Effect.gen(function* () {
      const out = `${yield* directory}/userspace`
      const machine = process.arch === "arm64" ? "arm64" : "x64"
      const { status, stderr } = spawnSync("bash", ["scripts/client.sh", machine, out], {
        cwd: repository,
        encoding: "utf8"
      })
      assert.strictEqual(status, 0, stderr)
      assert.isBelow(statSync(out).size, 100_000)
      const text = readFileSync(out).toString("latin1")
      assert.isTrue(text.startsWith("\x7fELF"))
      // The name of a loader, and of the section with names.
      assert.notMatch(text, /\/ld-(linux|musl)/)
      assert.notInclude(text, ".symtab")
    })
  )
})

describe(`clang's analyser${unless(hasAnalyser, "clang-19")}`, () => {
  for (const source of sources) {
    it.skipIf(!hasAnalyser)(`finds nothing in ${source.slice(repository.length + 1)}`, () => {
      const words = ["--analyze", "-Xclang", "-analyzer-werror", ...warnings, "-o", "/dev/null", source]
      const { status, stderr } = spawnSync("clang-19", words, { encoding: "utf8" })
      assert.strictEqual(status, 0, stderr)
    })
  }
})

const fuzzing = ["-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
const canFuzz = (() => {
  const words = ["-x", "c", "-", "-o", "/dev/null", ...fuzzing]
  const input = "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) { return data[0] > size; }"
  return spawnSync("clang-19", words, { input }).status === 0
})()

describe(`the reader of the answer${unless(canFuzz, "clang-19 with its fuzzer")}`, () => {
  it.live.skipIf(!canFuzz)("takes any bytes, wherever they are cut", () =>
    Effect.gen(function* () {
      const at = yield* directory
      yield* compile("clang-19", ...fuzzing, "-o", `${at}/fuzz`, `${repository}/test/client/fuzz-answer.c`, ...pure)
      mkdirSync(`${at}/corpus`)
      const line = '{"status":1,"document":"a\\n\\u00fc\\ud83d\\ude00","more":true}\n'
      const body = `${line.length.toString(16)}\r\n${line}\r\n0\r\n\r\n`
      writeFileSync(`${at}/corpus/body`, `\x83${body}`, "latin1")
      writeFileSync(`${at}/corpus/log`, '\x81f\r\n{"log":"a\\"b"}\n\r\n', "latin1")
      // Found: an empty line of a reader that has no memory yet.
      writeFileSync(`${at}/corpus/empty`, "\x81f\r\n\n\r\n", "latin1")
      writeFileSync(
        `${at}/corpus/head`,
        "\x07HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
      )
      const words = [
        "-seed=1",
        `-runs=${process.env["CLIENT_FUZZ_RUNS"] ?? "20000"}`,
        "-max_total_time=20",
        "-max_len=4096",
        `${at}/corpus`
      ]
      const { status, stderr } = spawnSync(`${at}/fuzz`, words, { cwd: at, encoding: "utf8" })
      assert.strictEqual(status, 0, stderr)
    })
  )
})
