/**
 * A real Prometheus that scrapes the agent while testpmd sends: what it has counted is what was sent, in the direction of the
 * pod. And `promtool`, which knows what a series should look like.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { resolve } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { until } from "../support/Until.ts"
import { CniNode, type Sandbox, socketOf } from "./support/CniNode.ts"
import { healing } from "./support/Healing.ts"
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
const answer = (port: number, expression: string, ...more: ReadonlyArray<string>) =>
  Effect.map(
    succeed("curl", [
      ...["-sfG", `http://127.0.0.1:${port}/api/v1/query`, "--data-urlencode", `query=${expression}`],
      ...more.flatMap((one) => ["--data-urlencode", one])
    ]),
    (text) => JSON.parse(text).data.result
  )

type Sample = readonly [seconds: number, value: string]

const query = (port: number, expression: string, ...more: ReadonlyArray<string>) =>
  Effect.map(
    answer(port, expression, ...more),
    (result): ReadonlyArray<number> => result.map(({ value }: { readonly value: Sample }) => Number(value[1]))
  )

/** The samples of one series as they were scraped. */
const samples = (port: number, series: string, at: number) =>
  Effect.map(
    answer(port, series, `time=${at}`),
    (result): ReadonlyArray<readonly [seconds: number, value: number]> =>
      result[0].values.map(([seconds, value]: Sample) => [seconds, Number(value)])
  )

/** Bursts, and milliseconds between two of them. */
const [bursts, pace] = [48, 250]
const packets = bursts * Testpmd.burst

/** Returns when the last burst is sent, in seconds since 1970. */
const sendSteadily = (sender: Testpmd.Testpmd) =>
  Effect.map(
    Effect.repeat(Testpmd.sendBurst(sender), { schedule: Schedule.fixed(pace), times: bursts - 1 }),
    () => Date.now() / 1000
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
      const series = (way: "receive" | "transmit", of: Sandbox) =>
        `userspace_cni_interface_${way}_packets_total{pod="${podOf(of)}"}`
      const asked = (expression: string, wanted: number) =>
        until(`${wanted} as ${expression}`, query(port, expression), ([value]) => value === wanted)
      // Both have been scraped before there was a packet.
      for (const pod of pods) yield* asked(series("receive", pod), 0)
      const end = (n: 0 | 1): Testpmd.End => ({
        name: `${node.directory.split("-").at(-1)}${n}`,
        socket: socketOf(node.sharedDir, pods[n]),
        mode: "server",
        mac: `02:00:00:00:00:0${n + 1}`
      })
      const receiver = yield* Testpmd.run(end(0).name, node.directory, Testpmd.receiverArguments(end(0)))
      const sender = yield* Testpmd.run(end(1).name, node.directory, Testpmd.promptedArguments(end(1), end(0).mac))
      for (const pod of pods) {
        const name = yield* node.portMarked(pod.containerId)
        yield* node.vsctl("wait-until", "Interface", name, "link_state=up")
      }
      const last = yield* sendSteadily(sender)
      assert.strictEqual(yield* Testpmd.sent(sender), packets)
      assert.strictEqual(yield* Testpmd.receivedAtLeast(receiver.log, packets), packets)

      // Over the whole run Prometheus has what testpmd has counted.
      const gained = (expression: string) => `max_over_time(${expression}[5m]) - min_over_time(${expression}[5m])`
      const [receives, transmits] = [series("receive", pods[0]), series("transmit", pods[1])]
      yield* asked(gained(receives), packets)
      yield* asked(gained(transmits), packets)
      yield* asked(gained(receives.replace("packets", "bytes")), packets * Testpmd.frame)
      assert.deepStrictEqual(yield* query(port, series("transmit", pods[0])), [0])
      assert.deepStrictEqual(yield* query(port, series("receive", pods[1])), [0])

      // While it sends, a rate is what the counter has gained between the first and the last scrape of the window, by the
      // time between them. Prometheus extrapolates that to the window.
      const window = 10
      for (const one of [receives, transmits]) {
        const scraped = yield* samples(port, `${one}[${window}s]`, last)
        const [first, latest] = [scraped.at(0), scraped.at(-1)]
        if (first === undefined || latest === undefined) return assert.fail("nothing was scraped")
        const [gain, seconds] = [latest[1] - first[1], latest[0] - first[0]]
        assert.isAbove(gain, 0)
        for (const [n, [, value]] of scraped.entries()) assert.isAtLeast(value, scraped[n - 1]?.[1] ?? 0)
        const [rate = 0] = yield* query(port, `rate(${one}[${window}s])`, `time=${last}`)
        assert.isAtLeast(rate * window, gain)
        assert.isAtMost(rate, gain / seconds)
      }
      assert.deepStrictEqual(yield* query(port, 'userspace_cni_switch_up{engine="ovs-dpdk"}'), [1])
      yield* asked(`userspace_cni_interface_connected{pod="${podOf(pods[0])}"}`, 1)
      yield* asked("up", 1)

      const text = yield* succeed("curl", ["-s", `http://${target}/metrics`])
      yield* succeed("/usr/bin/promtool", ["check", "metrics"], { stdin: text })
      assert.notInclude(text, node.directory)
      // Series end with the attachment.
      well(yield* node.call("DEL", pods[1], node.network))
      yield* until(
        "the end of the series",
        succeed("curl", ["-s", `http://${target}/metrics`]),
        (now) => !now.includes(podOf(pods[1]))
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
