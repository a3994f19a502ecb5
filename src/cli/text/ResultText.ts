/** The result of a call as text for people. Pure. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Document } from "../../app/Verbs.ts"
import { AnyResult } from "../../cni/spec/AnyResult.ts"
import { fromAnyResult } from "../../cni/spec/CniResult.ts"

const decode = Schema.decodeUnknownOption(AnyResult)

/** One line for each: interface, MAC, socket, addresses, routes. */
export const resultLines = (document: Document): ReadonlyArray<string> =>
  Option.match(decode(document ?? {}), {
    onNone: () => [],
    onSome: (any) => {
      const { interfaces, ips, routes } = fromAnyResult(any)
      const facts: ReadonlyArray<readonly [string, string | undefined]> = [
        ...interfaces.flatMap(
          ({ mac, mtu, name, sandbox, socketPath }): ReadonlyArray<[string, string | undefined]> => [
            ["interface", `${name}${sandbox === undefined ? "" : ` in ${sandbox}`}`],
            ["mac", mac],
            ["mtu", mtu === undefined ? undefined : String(mtu)],
            ["socket", socketPath]
          ]
        ),
        ...ips.map(({ address, gateway }): [string, string] => [
          "address",
          `${address}${gateway === undefined ? "" : `, gateway ${gateway}`}`
        ]),
        ...routes.map((route): [string, string] => [
          "route",
          `${String(route["dst"])}${route["gw"] === undefined ? "" : ` via ${String(route["gw"])}`}`
        ])
      ]
      return facts.flatMap(([what, value]) => (value === undefined ? [] : [`  ${what.padEnd(10)} ${value}`]))
    }
  })
