/**
 * A real Prometheus that scrapes the agent while testpmd sends: what it has counted is what was sent, in the direction of the
 * pod. And `promtool`, which knows what a series should look like.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { resolve } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CniNode, type Sandbox, socketOf } from "./support/CniNode.ts"
import { healing, within } from "./support/Healing.ts"
import { well } from "./support/Plugin.ts"
import { cleanEnvironment, start, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const podOf = ({ containerId }: Sandbox) => containerId.slice(0, 12)

/** `-f`: not while it starts. */
const query = (port: number, expression: string) =>
  Effect.map(
    succeed("curl", ["-sfG", `http://127.0.0.1:${port}/api/v1/query`, "--data-urlencode", `query=${expression}`]),
    (text): ReadonlyArray<number> =>
      JSON.parse(text).data.result.map(({ value }: { readonly value: readonly [number, string] }) => Number(value[1]))
  )

onMachine(["root", "executable", "ovs", "hostLocal", "testpmd", "prometheus"], CniNode.layer)("metrics", (test) => {
  test("a Prometheus that scrapes the agent counts the packets that testpmd sends", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const pods = [yield* node.sandbox, yield* node.sandbox] as const
      for (const pod of pods) well(yield* node.call("ADD", pod, node.network))
      const agent = yield* healing(node, "--metrics", "127.0.0.1:0")
      const [, target = ""] =
        /metrics on http:\/\/(127\.0\.0\.1:\d+)\/metrics/.exec(yield* agent.says(/metrics on/)) ?? []
      const port = yield* freePort
      const directory = `${node.directory}/prometheus`
      mkdirSync(directory)
      writeFileSync(
        `${directory}/prometheus.yml`,
        `global: { scrape_interval: 1s }
scrape_configs: [{ job_name: agent, honor_labels: true, static_configs: [{ targets: ["${target}"] }] }]
`
      )
      yield* start(
        "/usr/bin/prometheus",
        [
          `--config.file=${directory}/prometheus.yml`,
          `--storage.tsdb.path=${directory}/data`,
          `--web.listen-address=127.0.0.1:${port}`
        ],
        { env: cleanEnvironment, log: `${directory}/log`, stop: "SIGTERM" }
      )
      const packets = (way: "receive" | "transmit", of: Sandbox) =>
        `userspace_cni_interface_${way}_packets_total{pod="${podOf(of)}"}`
      const asked = (expression: string, wanted: number) =>
        within(
          "30 seconds",
          Effect.map(
            Effect.orElseSucceed(query(port, expression), (): ReadonlyArray<number> => []),
            ([value]) => (value === wanted ? value : undefined)
          )
        )
      // Both have been scraped before there was a packet.
      for (const pod of pods) yield* asked(packets("receive", pod), 0)
      const end = (n: 0 | 1): Testpmd.End => ({
        name: `${node.directory.split("-").at(-1)}${n}`,
        socket: socketOf(node.sharedDir, pods[n]),
        mode: "server",
        mac: `02:00:00:00:00:0${n + 1}`
      })
      const receiver = yield* Testpmd.run(end(0).name, node.directory, Testpmd.receiverArguments(end(0)))
      yield* node.vsctl("wait-until", "Interface", yield* node.portMarked(pods[0].containerId), "link_state=up")
      yield* Testpmd.run(end(1).name, node.directory, Testpmd.senderArguments(end(1), end(0).mac))
      assert.strictEqual(yield* Testpmd.receivedAtLeast(receiver.log, Testpmd.burst), Testpmd.burst)
      const gained = (expression: string) => `max_over_time(${expression}[5m]) - min_over_time(${expression}[5m])`
      yield* asked(gained(packets("receive", pods[0])), Testpmd.burst)
      yield* asked(gained(packets("transmit", pods[1])), Testpmd.burst)
      yield* asked(gained(packets("receive", pods[0]).replace("packets", "bytes")), Testpmd.burst * Testpmd.frame)
      assert.deepStrictEqual(yield* query(port, packets("transmit", pods[0])), [0])
      assert.deepStrictEqual(yield* query(port, packets("receive", pods[1])), [0])
      assert.deepStrictEqual(yield* query(port, `sum(rate(${packets("receive", pods[0])}[5m])) > bool 0`), [1])
      assert.deepStrictEqual(yield* query(port, 'userspace_cni_switch_up{engine="ovs-dpdk"}'), [1])
      yield* asked(`userspace_cni_interface_connected{pod="${podOf(pods[0])}"}`, 1)
      yield* asked("up", 1)

      const text = yield* succeed("curl", ["-s", `http://${target}/metrics`])
      yield* succeed("/usr/bin/promtool", ["check", "metrics"], { stdin: text })
      assert.notInclude(text, node.directory)
      // Series end with the attachment.
      well(yield* node.call("DEL", pods[1], node.network))
      yield* within(
        "10 seconds",
        Effect.map(succeed("curl", ["-s", `http://${target}/metrics`]), (now) =>
          now.includes(podOf(pods[1])) ? undefined : now
        )
      )
    }))

  test("the alerts of examples/monitoring are rules, and fire when they should", () =>
    Effect.gen(function* () {
      const at = resolve(import.meta.dirname, "../../examples/monitoring")
      yield* succeed("/usr/bin/promtool", ["check", "rules", `${at}/rules.yaml`])
      yield* succeed("/usr/bin/promtool", ["test", "rules", `${at}/rules-test.yaml`])
      yield* succeed("/usr/bin/promtool", ["check", "config", "--syntax-only", `${at}/prometheus.yaml`])
    }))
})
