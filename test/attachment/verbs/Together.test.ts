/**
 * The concurrent steps of ADD: neither of two steps continues before both have begun. And the steps that must not be
 * concurrent.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { networks } from "../support/Networks.ts"
import { World, type Wrap } from "../support/World.ts"

/** Runs `around` instead of each method that it has, by `Service.method`. */
const around =
  (
    methods: Readonly<Record<string, (self: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>>>
  ): Wrap =>
  (name, service) =>
    new Proxy(service, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        const wrap = methods[`${name}.${String(key)}`]
        if (wrap === undefined || typeof member !== "function") return member
        return (...args: ReadonlyArray<unknown>) => wrap(Reflect.apply(member, target, args))
      }
    })

const onOvs = ["client mode", "server mode, a long directory, device information"] as const
const pairs = [
  ["Ipam.add", "Vswitch.plug"],
  ["Records.keep", "Vswitch.preflight"]
] as const

describe.each(onOvs)("on Open vSwitch, %s", (name) => {
  it.live.each(pairs)("%s and %s have both begun before either ends", ([one, other]) =>
    Effect.gen(function* () {
      const begun = { [one]: yield* Deferred.make<void>(), [other]: yield* Deferred.make<void>() }
      const both = Effect.all(Object.values(begun).map((each) => Deferred.await(each)))
      const gates = Object.entries(begun).map(
        ([method, mine]) =>
          [
            method,
            (self: Effect.Effect<unknown, unknown>) =>
              Deferred.succeed(mine, undefined).pipe(Effect.andThen(both), Effect.andThen(self))
          ] as const
      )
      const added = new World().call("ADD", networks[name], around(Object.fromEntries(gates)))
      const document = yield* Effect.timeoutOrElse(added, {
        duration: "1 minute",
        orElse: () => Effect.die("one waits for the other's end")
      })
      assert.property(document, "ips")
    })
  )
})

describe("addresses on the switch", () => {
  it.effect("the port is plugged after IPAM has assigned them", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const note = (what: string) => Effect.sync(() => seen.push(what))
      const noted = (what: string) => (self: Effect.Effect<unknown, unknown>) =>
        note(`${what} begins`).pipe(
          Effect.andThen(self),
          Effect.tap(() => note(`${what} ends`))
        )
      const methods = { "Ipam.add": noted("IPAM"), "Vswitch.plug": noted("plug") }
      yield* new World().call("ADD", networks["VPP, memif with addresses"], around(methods))
      assert.deepStrictEqual(seen, ["IPAM begins", "IPAM ends", "plug begins", "plug ends"])
    })
  )
})
