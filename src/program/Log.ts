/**
 * Log lines: to stderr, which runtimes keep, and to `logFile` if set. Level names are the original plugin's. A log
 * file that cannot be written is reported once on stderr, at any level, and never fails a call. It is opened for each
 * call, so that log rotation needs no signal, unless the process provides outputs.
 */
import * as Fs from "node:fs"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { type LogOptions, levelNames } from "../cni/network/LogOptions.ts"
import { hide, oneLine } from "../cni/types/Secrets.ts"

type Line = Readonly<Record<string, unknown>>

const write = (fd: number, text: string) =>
  Effect.runSync(Effect.ignore(Effect.try({ try: () => Fs.writeSync(fd, text), catch: String })))

type Write = (text: string) => void

export interface Outputs {
  readonly stderr: Write
  /** Undefined: the file cannot be opened, and `failed` received the reason. */
  readonly file: (
    path: string,
    failed: (answer: string) => void
  ) => Effect.Effect<Write | undefined, never, Scope.Scope>
}

/**
 * `whose`: fields of every line, to find the lines of one attachment. `outputs`: those that a process of many calls
 * keeps; else stderr, and the file for this call.
 */
export const layer = (options: LogOptions, whose: Line = {}, outputs: Outputs = ofOne): Layer.Layer<never> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const file = yield* opened(outputs, options, whose)
      return Context.make(Logger.CurrentLoggers, new Set([loggerOf(options, outputs.stderr, file)])).pipe(
        Context.add(References.MinimumLogLevel, options.level),
        Context.add(References.CurrentLogAnnotations, whose)
      )
    })
  )

const opened = ({ file, stderr }: Outputs, options: LogOptions, whose: Line) => {
  const { file: path } = options
  if (path === undefined) return Effect.succeed(undefined)
  return file(path, (answer) => {
    const msg = `logFile ${path} cannot be written, logging to stderr only: ${answer}`
    stderr(told(options, { time: new Date().toISOString(), level: "warning", msg, ...whose }))
  })
}

const openedForOne: Outputs["file"] = (path, failed) =>
  Effect.acquireRelease(
    Effect.match(Effect.try({ try: () => Fs.openSync(path, flags, 0o640), catch: String }), {
      onFailure: (answer) => void failed(answer),
      onSuccess: (fd): number | undefined => fd
    }),
    (fd) => Effect.sync(() => fd !== undefined && Fs.closeSync(fd))
  ).pipe(Effect.map((fd) => (fd === undefined ? undefined : (text) => write(fd, text))))

const ofOne: Outputs = { stderr: (text) => write(2, text), file: openedForOne }

const told = (options: LogOptions, line: Line): string => hide(options.secrets, render(options.format, line))

const loggerOf = (options: LogOptions, stderr: Write, file: Write | undefined) =>
  Logger.make<unknown, void>(({ cause, date, fiber, logLevel, message }) => {
    const line = told(options, {
      time: date.toISOString(),
      level: nameOf(logLevel),
      msg: (Array.isArray(message) ? message : [message]).map(String).join(" "),
      ...(cause.reasons.length > 0
        ? { cause: tracesTime(options) ? Cause.pretty(cause) : withoutFrames(Cause.pretty(cause)) }
        : {}),
      ...fiber.getRef(References.CurrentLogAnnotations)
    })
    stderr(line)
    file?.(line)
  })

/** Stack traces are shown at debug level only. */
const withoutFrames = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !/^\s+at /.test(line))
    .join("\n")

/** Non-blocking, because a pipe without a reader must not block the call. */
export const flags = Fs.constants.O_WRONLY | Fs.constants.O_APPEND | Fs.constants.O_CREAT | Fs.constants.O_NONBLOCK

const nameOf = (level: LogLevel): string => levelNames.find(([, ours]) => ours === level)?.[0] ?? "info"

const render = (format: LogOptions["format"], line: Line): string => {
  if (format === "json") return `${oneLine(JSON.stringify(line))}\n`
  const { level, msg, time, ...rest } = line
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${quoted(String(value))}`)
  return `${oneLine([time, `[${level}]`, String(msg), ...fields].join(" "))}\n`
}

/** Quotes a value so that an event stays on one line. */
const quoted = (value: string): string => (/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))

/** debug and verbose also log the time of each step. */
export const tracesTime = ({ level }: LogOptions): boolean => level === "Debug" || level === "Trace"
