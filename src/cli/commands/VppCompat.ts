/** `userspace vpp-compat`: which of the plugin's messages the running VPP of this node has. */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { type Compatibility, compatibility } from "../../vpp/Compatibility.ts"
import { VppClient } from "../../vpp/client/VppClient.ts"
import { fromVpp } from "../../vpp/client/VppError.ts"
import { defaultVppSocket, jsonFlag, textOr } from "../input/Flags.ts"
import { type Column, CommandLineError, InvocationContext, type Style, table } from "../print/Printer.ts"

const perform = Effect.fnUntraced(function* (options: { readonly socket: string; readonly json: boolean }) {
  const { style } = yield* InvocationContext
  const found = yield* look(options.socket)
  yield* Console.log(options.json ? JSON.stringify(found) : text(found, style))
  const unserved = found.works.filter(({ missing, optional }) => missing !== null && !optional)
  if (unserved.length === 0) return
  return yield* new CommandLineError({
    failed: `VPP at ${found.socket} does not support every feature of the plugin`,
    answer: unserved.map(({ missing, work }) => `${work}: ${missing}`).join("\n"),
    cure: "Load the missing plugin (plugins in VPP's startup.conf) or use VPP 21.10 to 26.06. Features that you do not use may be missing."
  })
})

const look = (path: string) =>
  VppClient.pipe(
    Effect.flatMap(({ open }) => Effect.scoped(Effect.flatMap(open, compatibility))),
    Effect.mapError((error) => {
      const { answer, cure } = fromVpp("compare")(error)
      return new CommandLineError({
        failed: `cannot compare with VPP at ${path}`,
        answer,
        cure: cure.replace(/ \(host\.socket;[^)]*\)/, " (--socket; socksvr in VPP's startup.conf)")
      })
    }),
    Effect.provide(VppClient.layer(path))
  )

const columns: ReadonlyArray<Column<Compatibility["messages"][number]>> = [
  { head: "message", of: ({ message }) => message },
  { head: "wanted", of: ({ wanted }) => wanted },
  { head: "offered", of: ({ offered }) => offered },
  { head: "verdict", of: ({ verdict }) => verdict },
  { head: "of two", of: ({ use }) => use, text: ({ use }) => use ?? "" }
]

const text = ({ messages, socket, version, works }: Compatibility, style: Style): string => {
  const width = Math.max(...works.map(({ work }) => work.length))
  return [
    `VPP ${version ?? "of unknown version"} at ${socket}`,
    "",
    table(messages, columns, style),
    "",
    ...works.map(
      ({ missing, optional, work }) =>
        `${work.padEnd(width)}  ${missing === null ? "served" : `${optional ? "not limited" : "not served"}: ${missing}`}`
    )
  ].join("\n")
}

export const command = Command.make(
  "vpp-compat",
  {
    socket: textOr("socket", "PATH", `VPP's API socket (default: ${defaultVppSocket})`, defaultVppSocket),
    json: jsonFlag
  },
  perform
)
