/** `logFile`, `logLevel`, `logFormat` of the configuration, read even when the rest of it is wrong. Pure. */
import type { LogLevel } from "effect/LogLevel"
import { redacted } from "../spec/Redacted.ts"
import { secretsIn } from "../spec/Secrets.ts"
import { isAbsolutePath } from "./Validators.ts"

export interface LogOptions {
  readonly file: string | undefined
  readonly level: LogLevel
  readonly format: "text" | "json"
  /** What is odd about the options themselves. */
  readonly warnings: ReadonlyArray<string>
  /** What no line may have in it. */
  readonly secrets: ReadonlyArray<string>
}

/** The original's names, and Effect's. */
export const levelNames: ReadonlyArray<readonly [string, LogLevel]> = [
  ["panic", "Fatal"],
  ["error", "Error"],
  ["warning", "Warn"],
  ["info", "Info"],
  ["debug", "Debug"],
  ["verbose", "Trace"]
]

export const defaultLogOptions: LogOptions = {
  file: undefined,
  level: "Warn",
  format: "text",
  warnings: [],
  secrets: []
}

/** `conf`: keys in our spelling, as an envelope has them. */
export const logOptions = (conf: Readonly<Record<string, unknown>>): LogOptions => {
  const { logFile, logFormat, logLevel } = conf
  // What is no text at all is an error of the configuration.
  const word = typeof logLevel === "string" ? logLevel.toLowerCase() : undefined
  const known = levelNames.find(([name]) => name === word)
  return {
    file: isAbsolutePath(logFile) ? logFile : undefined,
    level: known?.[1] ?? "Warn",
    format: logFormat === "json" ? "json" : "text",
    secrets: secretsIn(conf),
    warnings:
      word === undefined || known !== undefined
        ? []
        : [
            `logLevel ${redacted("logLevel", logLevel)} is not ${levelNames.map(([name]) => name).join(", ")}: using warning`
          ]
  }
}

/** debug and verbose also say where the time went. */
export const tracesTime = ({ level }: LogOptions): boolean => level === "Debug" || level === "Trace"
