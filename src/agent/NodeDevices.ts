/**
 * The device plugins of the agent, one for each resource: their health is what healing knows of the switches, and what is
 * attached is what the records say.
 */
import * as Effect from "effect/Effect"
import { keptRecords } from "../attachment/node/Survey.ts"
import { nameOf } from "../attachment/node/Switches.ts"
import type { Records } from "../attachment/records/Records.ts"
import type { Control } from "../cni/network/HostPort.ts"
import { remakeDirectories } from "../devices/Checkpoint.ts"
import { DeviceDirectories } from "../devices/DeviceDirectories.ts"
import { serve } from "../devices/DevicePlugin.ts"
import { idsOf, type Resource, type Resources } from "../devices/Resources.ts"
import { fullName } from "../identity/Device.ts"
import type { Files } from "../platform/Files.ts"
import type { News } from "../vswitch/Watch.ts"

/** Serves until the scope ends. */
export const make = Effect.fnUntraced(function* (inventory: Resources, stateDir: string) {
  const { registry, resources } = inventory
  const context = yield* Effect.context<Files | Records>()
  const up = new Set<string>()
  const listeners = new Set<() => void>()
  const records = keptRecords(({ device }) => device)
  const attached = Effect.map(
    Effect.orElseSucceed(records, (): ReadonlyMap<string, string | undefined> => new Map()),
    (all) => new Set([...all.values()].flatMap((device) => device ?? []))
  )
  // Before kubelet knows the plugin, and before the agent serves calls.
  const serveAll = Effect.forEach(
    resources,
    (resource) =>
      serve({
        resource,
        registry,
        attached: Effect.provideContext(attached, context),
        health: {
          isUp: () => up.has(nameOf(resource.at)),
          listen: (changed) => {
            listeners.add(changed)
            return () => listeners.delete(changed)
          }
        }
      }),
    { discard: true }
  )
  yield* Effect.andThen(remakeDirectories(inventory), serveAll).pipe(Effect.provide(DeviceDirectories.layer(stateDir)))
  const countsOf = (taken: ReadonlySet<string>) => (resource: Resource) => {
    const attached = idsOf(resource).filter((id) => taken.has(id)).length
    return [
      { resource: fullName(resource.name), state: "attached" as const, count: attached },
      {
        resource: fullName(resource.name),
        state: up.has(nameOf(resource.at)) ? ("free" as const) : ("unhealthy" as const),
        count: resource.count - attached
      }
    ]
  }
  return {
    /** What has to be told of the switches. */
    news: (at: Control, news: News): void => {
      if (news._tag === "Changed" || up.has(nameOf(at)) === (news._tag === "Reached")) return
      if (news._tag === "Reached") up.add(nameOf(at))
      else up.delete(nameOf(at))
      for (const changed of listeners) changed()
    },
    counts: Effect.map(Effect.provideContext(attached, context), (taken) => resources.flatMap(countsOf(taken)))
  }
})
