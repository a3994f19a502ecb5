/**
 * The terminal of a live table: its size, and the key that ends it. Nothing of it when the output is not a terminal, and
 * no keys when the input is not. The scope gives the terminal back as it was.
 */

import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Terminal from "effect/Terminal"
import { Clear } from "./Printer.ts"

export interface Size {
  /** Undefined: as wide, or as high, as it is. */
  readonly columns: number | undefined
  readonly rows: number | undefined
}

export interface Screen {
  readonly live: boolean
  readonly clear: Effect.Effect<void>
  readonly size: Effect.Effect<Size>
  /** Never, without keys. */
  readonly ended: Effect.Effect<void>
}

const plain: Screen = {
  live: false,
  clear: Effect.void,
  size: Effect.succeed({ columns: undefined, rows: undefined }),
  ended: Effect.never
}

/** `live`: it is wanted where there is a terminal. */
export const screen = Effect.fnUntraced(function* (live: boolean) {
  const { canAnimate, canPrompt } = yield* TerminalCapabilities.TerminalCapabilities
  if (!canAnimate) return plain
  const terminal = yield* Terminal.Terminal
  const size = Effect.all({
    columns: Effect.map(terminal.columns, known),
    rows: live ? Effect.map(terminal.rows, known) : Effect.undefined
  })
  if (!live) return { ...plain, size }
  const keys = canPrompt ? yield* terminal.readInput : undefined
  const ended: Effect.Effect<void> =
    keys === undefined
      ? Effect.never
      : Queue.take(keys).pipe(
          Effect.repeat({ until: ({ key: { name } }) => name === "q" }),
          // Ctrl-C, Ctrl-D and Esc end the keys.
          Effect.ignore
        )
  const on: Screen = { live, clear: yield* Clear, size, ended }
  return on
})

/** 0: a terminal that does not tell. */
const known = (size: number): number | undefined => (size === 0 ? undefined : size)
