/** `logFile`, `logLevel`, `logFormat` of the configuration, read even when the rest of it is wrong. Pure. */
import type { LogLevel } from "effect/LogLevel"

export interface LogOptions {
  readonly file: string | undefined
  readonly level: LogLevel
  readonly format: "text" | "json"
  /** What is odd about the options themselves. */
  readonly warnings: ReadonlyArray<string>
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

export const defaultLogOptions: LogOptions = { file: undefined, level: "Warn", format: "text", warnings: [] }

export const logOptions = (conf: Readonly<Record<string, unknown>>): LogOptions => {
  const read = (name: string) =>
    conf[name] ?? Object.entries(conf).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? ""
  const file = read("logFile")
  const level = String(read("logLevel"))
  const known = levelNames.find(([name]) => name === level.toLowerCase())
  return {
    file: typeof file === "string" && file.startsWith("/") ? file : undefined,
    level: known?.[1] ?? "Warn",
    format: read("logFormat") === "json" ? "json" : "text",
    warnings:
      known !== undefined || level === ""
        ? []
        : [`logLevel ${JSON.stringify(level)} is not ${levelNames.map(([name]) => name).join(", ")}: using warning`]
  }
}

/** debug and verbose also say where the time went. */
export const tracesTime = ({ level }: LogOptions): boolean => level === "Debug" || level === "Trace"
