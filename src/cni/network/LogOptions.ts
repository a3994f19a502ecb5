/** `logFile`, `logLevel` and `logFormat` of the configuration, read even when the rest is invalid. Pure. */
import type { LogLevel } from "effect/LogLevel"
import { redacted, secretsIn } from "../types/Secrets.ts"
import { isAbsolutePath } from "./Validators.ts"

export interface LogOptions {
  readonly file: string | undefined
  readonly level: LogLevel
  readonly format: "text" | "json"
  /** Problems of the options themselves. */
  readonly warnings: ReadonlyArray<string>
  /** Values that must not appear in any line. */
  readonly secrets: ReadonlyArray<string>
}

/** The original plugin's names, and Effect's. */
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

/** `conf`: keys in the plugin's spelling, as in an envelope. */
export const logOptions = (conf: Readonly<Record<string, unknown>>): LogOptions => {
  const { logFile, logFormat, logLevel } = conf
  // A value that is not a text is an error of the configuration.
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
