/** Every byte that the client sends for one call of each kind, and what it makes of a real server's replies. */
import { readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { peer } from "../support/OvsdbPeer.ts"
import { Line, session, sessionOn, withoutTime } from "../support/Session.ts"

const recorded = readFileSync(`${import.meta.dirname}/../fixtures/session.jsonl`, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => Schema.decodeUnknownSync(Line)(line))
const texts = (dir: "send" | "receive") =>
  recorded.filter((line) => line.dir === dir).map(({ msg }) => JSON.stringify(msg))

it.live("sends and parses what was recorded", () =>
  Effect.gen(function* () {
    const replies = texts("receive")
    const server = yield* peer(
      (_, socket, nth) => void (replies[nth] === undefined ? socket.destroy() : socket.write(replies[nth]))
    )
    const outcome = yield* session.pipe(Effect.provide(sessionOn(server.path)), Effect.provide(NodeSockets.layer))
    assert.deepStrictEqual(server.received.map(withoutTime), texts("send"))
    const port = "usptzeb4me5mdgq"
    assert.deepStrictEqual(outcome, {
      plugged: { port, socketAt: undefined, mtu: 1400 },
      differences: [
        {
          what:
            `OVN has not bound port ${port} to its logical port lp-1 (external_ids:ovn-installed is missing): it carries no ` +
            "traffic. Check that the logical port exists, and that ovn-controller runs.",
          warning: true
        }
      ],
      owned: [
        {
          network: "net",
          containerId: "0123456789ab4def",
          ifName: "net1",
          pod: { namespace: "default", name: "pod-1", uid: "6c0b2f4e" },
          port,
          socketPath: "/var/lib/vhost/0123456789ab/0123456789ab-net1",
          state: "disconnected"
        }
      ],
      second: `Open vSwitch: plug port ${port} on bridge br-golden: port ${port} of this attachment already exists`,
      gone: [`port ${port}`, "bridge br-golden"],
      again: []
    })
  })
)
