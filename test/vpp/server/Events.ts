/** Clients that want events of interfaces. Events are sent before the next reply, as by a real VPP (`fixtures`). */
import { Result } from "effect"
import { bool, u32 } from "../../../src/vpp/messages/Field.ts"
import { decodeRequest, plain, reply, request } from "../../../src/vpp/messages/Message.ts"
import { type Answer, answer } from "../model/VppMessage.ts"
import type { Happening } from "../model/VppModel.ts"
import type { Peer } from "./Peer.ts"

export const wantEvents = request("want_interface_events", "476f5a08", { enable_disable: u32, pid: u32 }, plain)

/** Not a reply: it has the client's index in the place of the context. */
export const interfaceEvent = {
  name: "sw_interface_event",
  plugin: undefined,
  ...reply("2d3d95a7", { pid: u32, sw_if_index: u32, flags: u32, deleted: bool })
}

interface News {
  readonly peer: Peer
  readonly client: number
  readonly event: Answer
}

export class Audience {
  private readonly wishes = new Map<Peer, { readonly client: number; readonly pid: number }>()

  /** Checks whether a request is for this handler. */
  heed(peer: Peer, name: string, raw: Buffer): void {
    if (name !== wantEvents.name) return
    const { enable_disable, pid } = Result.getOrThrow(decodeRequest(wantEvents, raw))
    if (enable_disable === 0) this.leave(peer)
    else this.wishes.set(peer, { client: raw.readUInt32BE(2), pid })
  }

  leave(peer: Peer): void {
    this.wishes.delete(peer)
  }

  news(happened: ReadonlyArray<Happening>): ReadonlyArray<News> {
    return happened.flatMap((one) =>
      Array.from(this.wishes, ([peer, { client, pid }]) => ({
        peer,
        client,
        event: answer(interfaceEvent, { pid, ...one })
      }))
    )
  }
}
