/** Spans, and interfaces on devices of the kernel: what captures use. A span outlives both of its ends. */
import * as AfPacket from "../../vpp/messages/AfPacket.ts"
import { every } from "../../vpp/messages/Control.ts"
import * as Span from "../../vpp/messages/Span.ts"
import { type Handler, onDump, onRequest } from "./VppMessage.ts"
import type { VppModel } from "./VppModel.ts"

const nameOf = (device: string): string => `host-${device}`

/** Of a device it knows nothing: whether the kernel has it, who asks has to know. */
const create = (model: VppModel, device: string) =>
  model.named(nameOf(device)) === undefined
    ? {
        retval: 0,
        sw_if_index: model.add({ interface_name: nameOf(device), interface_dev_type: "af-packet" }).row.sw_if_index
      }
    : { retval: -81, sw_if_index: every }

const keyOf = (span: { readonly sw_if_index_from: number; readonly sw_if_index_to: number }): string =>
  `${span.sw_if_index_from} ${span.sw_if_index_to}`

export const captureMessages: ReadonlyArray<Handler> = [
  onRequest(AfPacket.createV3, (model: VppModel, { host_if_name }) => create(model, host_if_name)),
  onRequest(AfPacket.create, (model: VppModel, { host_if_name }) => create(model, host_if_name)),
  onRequest(AfPacket.remove, (model: VppModel, { host_if_name }) => {
    const there = model.named(nameOf(host_if_name))
    if (there === undefined) return { retval: -2 }
    model.remove(there.row.sw_if_index)
    return { retval: 0 }
  }),
  onRequest(Span.enableDisable, ({ interfaces, spans }: VppModel, span) => {
    if (!interfaces.has(span.sw_if_index_from) || !interfaces.has(span.sw_if_index_to)) return { retval: -2 }
    if (span.state === Span.disabled) spans.delete(keyOf(span))
    else spans.set(keyOf(span), span)
    return { retval: 0 }
  }),
  onDump(Span.spanDump, ({ spans }) => [...spans.values()])
]
