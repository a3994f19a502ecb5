/**
 * Log lines: always to stderr, which runtimes keep, and to `logFile` when there is one. Level names are the original's.
 * Every line carries the call's annotations (container, netns, interface, network). A log that cannot be written is
 * said once on stderr and never fails a call.
 */
import * as Fs from "node:fs"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"
import { type LogOptions, levelNames } from "./LogOptions.ts"

const write = (fd: number, text: string) =>
  Effect.runSync(Effect.ignore(Effect.try({ try: () => Fs.writeSync(fd, text), catch: String })))

/** Writes a line to stderr whatever the level: for what concerns the log itself. */
export const complain = (text: string): void => write(2, `${text}\n`)

export const layer = (options: LogOptions) => {
  const file = options.file === undefined ? undefined : openForAppending(options.file)
  const logger = Logger.make<unknown, void>(({ cause, date, fiber, logLevel, message }) => {
    const line = render(options.format, {
      time: date.toISOString(),
      level: nameOf(logLevel),
      msg: (Array.isArray(message) ? message : [message]).map(String).join(" "),
      ...(cause.reasons.length > 0 ? { cause: Cause.pretty(cause) } : {}),
      ...fiber.getRef(References.CurrentLogAnnotations)
    })
    write(2, line)
    if (file !== undefined) write(file, line)
  })
  return Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, options.level))
}

/** Without blocking: a pipe that nobody reads must not hold the call. */
const flags = Fs.constants.O_WRONLY | Fs.constants.O_APPEND | Fs.constants.O_CREAT | Fs.constants.O_NONBLOCK

const openForAppending = (path: string): number | undefined =>
  Effect.runSync(
    Effect.catch(
      Effect.try({ try: () => Fs.openSync(path, flags, 0o640), catch: (cause) => String(cause) }),
      (answer) => {
        complain(`[warning] logFile ${path} cannot be written, logging to stderr only: ${answer}`)
        return Effect.undefined
      }
    )
  )

const nameOf = (level: LogLevel): string => levelNames.find(([, ours]) => ours === level)?.[0] ?? "info"

type Line = Readonly<Record<string, unknown>>

const render = (format: LogOptions["format"], line: Line): string => {
  if (format === "json") return `${JSON.stringify(line)}\n`
  const { level, msg, time, ...rest } = line
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${quoted(String(value))}`)
  return `${[time, `[${level}]`, String(msg).replaceAll("\n", "\\n"), ...fields].join(" ")}\n`
}

/** One line is one event: line ends inside a value are escaped. */
const quoted = (value: string): string => (/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))
