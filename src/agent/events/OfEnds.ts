/** An end of a switch, as an event of the pod whose application may have ended it. */
import * as Effect from "effect/Effect"
import type { End } from "../../attachment/heal/Ends.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { podRecordOf } from "./PodRecords.ts"
import type { Sink } from "./Sink.ts"

export const make = (variables: Variables, sink: Sink) =>
  Effect.fnUntraced(function* ({ isIsolated, suspect }: End) {
    const one = suspect === undefined ? undefined : podRecordOf(suspect, variables)
    if (one === undefined) return
    const { kubeconfig, pod, record } = one
    const lift = `\`userspace restore --pod ${pod.namespace}/${pod.name}\` on the node`
    const event = isIsolated
      ? ({
          kind: "Isolated",
          note: `${record.ifName}: its port is left away, because VPP has ended again and again when it was put back. When the application is mended, run ${lift}.`
        } as const)
      : ({
          kind: "SwitchEnded",
          note: `${record.ifName}: VPP has ended, and the application of this port may have ended it: it was the last one to connect, or its port was the last one made. Look at what it sends on its socket.`
        } as const)
    yield* sink.offer(kubeconfig, { ...event, pod })
  })
