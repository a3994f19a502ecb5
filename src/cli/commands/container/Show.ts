/** `userspace container show`: the interfaces of a container as text for people, and as JSON. */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Presence from "../../../container/Presence.ts"
import { type Interface, partOf, socketMadeBy } from "../../../container/read/Interface.ts"
import { assumption } from "../../../container/read/Sandbox.ts"
import { jsonFlag } from "../../input/Flags.ts"
import { aligned, InvocationContext, type Style } from "../../print/Printer.ts"
import { chosen, interfacesFlag, placeFlags, reportSkipped } from "./ContainerFlags.ts"

export const command = Command.make(
  "show",
  { ...placeFlags, interfaces: interfacesFlag, json: jsonFlag },
  Effect.fnUntraced(function* (options) {
    const { style } = yield* InvocationContext
    const { found, interfaces } = yield* chosen(options)
    const seen = yield* Effect.forEach(interfaces, (one) =>
      Effect.map(Presence.look(one), (presence) => ({ one, presence }))
    )
    if (options.json) {
      const { problems, sandbox } = found
      return yield* Console.log(JSON.stringify({ interfaces: seen.map(interfaceJson), sandbox, problems }))
    }
    yield* Console.log(interfaceTable(seen, style))
    const assumed = assumption(found.sandbox)
    if (assumed !== undefined) yield* Console.error(assumed)
    yield* reportSkipped(found)
  })
).pipe(
  Command.withDescription(
    "Show each interface of this container: its socket, who creates it and whether it exists, role, addresses"
  )
)

interface Seen {
  readonly one: Interface
  readonly presence: Presence.Presence
}

const heads = ["INTERFACE", "NETWORK", "KIND", "ROLE", "SOCKET MADE BY", "THERE", "ADDRESS", "GATEWAY", "MTU", "MAC"]

/** One line for each interface, with its socket and what to do below. */
export const interfaceTable = (seen: ReadonlyArray<Seen>, { faint, strong }: Style): string => {
  const [head = "", ...lines] = aligned([heads, ...seen.map(cells)])
  return [
    strong(head),
    ...seen.flatMap(({ one, presence }, index) => [
      lines[index] ?? "",
      ...moreAddresses(one).map((cell) => faint(`  also ${cell}`)),
      ...one.routes.map(({ dst, gateway }) => faint(`  route ${dst}${gateway === undefined ? "" : ` via ${gateway}`}`)),
      `  ${one.kind === "memif" && one.abstract ? "abstract socket " : ""}${one.socket}`,
      `  ${presence.words}`
    ])
  ].join("\n")
}

const cells = ({ one, presence }: Seen): ReadonlyArray<string> => [
  one.name,
  one.network ?? "-",
  one.kind,
  partOf(one),
  socketMadeBy(one),
  presence.there ? "yes" : "no",
  one.addresses[0]?.address ?? "-",
  one.addresses[0]?.gateway ?? "-",
  one.mtu === undefined ? "-" : String(one.mtu),
  one.mac ?? "-"
]

const moreAddresses = ({ addresses }: Interface): ReadonlyArray<string> =>
  addresses.slice(1).map(({ address, gateway }) => `${address}${gateway === undefined ? "" : `, gateway ${gateway}`}`)

/** A secret is shown as `<redacted:secret>`. */
export const interfaceJson = ({ one, presence }: Seen) => ({
  ...one,
  socketMadeBy: socketMadeBy(one),
  there: presence.there,
  ready: presence.ready,
  advice: presence.words
})
