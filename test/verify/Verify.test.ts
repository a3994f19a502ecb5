/** `userspace verify` with the API server of the tests, and a node that goes a step with each reading. */
import { readFileSync } from "node:fs"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { TestConsole } from "effect/testing"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { Running } from "../../src/cli/commands/agent/Verify.ts"
import { file } from "../cli/support/Terminal.ts"
import { kubeconfig, ovs, rights, testCluster, type Wrong } from "./support/TestCluster.ts"

const rows = (stdout: string) => stdout.split("\n").map((line) => line.split(/ {2,}/).filter((cell) => cell !== ""))
const states = (stdout: string) =>
  rows(stdout)
    .filter(([state]) => state === "ok" || state === "failed")
    .map(([state, , , , name]) => `${state} ${name}`)

const cases = [
  "attach and detach",
  "two networks in a pod",
  "application without root",
  "deleted by force, one of two while it starts",
  "3 pods at once, two networks each",
  "3 pods at once without a network"
]

describe("userspace verify", () => {
  it.effect("tries everything on a node with a switch, says what it skips, and leaves nothing", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      const { stderr, stdout, well } = yield* cluster.verify()
      assert.deepStrictEqual([stderr, well], ["", true], stdout)
      assert.deepStrictEqual(
        states(stdout),
        cases.map((name) => `ok ${name}`)
      )
      assert.match(stdout, /^6 cases of some seconds each\. Ctrl-C ends it/)
      assert.match(stdout, /skipped +- +every node +- +packets counted +the plugin's image has no application/)
      assert.match(stdout, /\n6 ok, 0 failed, 7 skipped, in \d+ s\.\nNothing is left\.\n$/)
      assert.deepStrictEqual([cluster.namespaces.size, cluster.pods.size, cluster.attached.size], [0, 0, 0])
      assert.strictEqual(cluster.configured.most, 3)
      // The pods of a case go before its networks, which the test cluster asks for at each deletion.
      const deleted = cluster.server.asked.filter(({ method }) => method === "DELETE").map(({ path }) => path)
      assert.strictEqual(deleted.at(-1), "/api/v1/namespaces/userspace-verify")
    })
  )

  it.effect("picks what the node has: bridges, devices, a second switch; not what cannot serve", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      const bridge = (name: string, datapath = "netdev", healthy = true) => ({ name, datapath, healthy })
      cluster.configured.switches = [
        { ...ovs, bridges: [bridge("br-a"), bridge("br-k", "system", false), bridge("br-s", "netdev", false)] },
        { ...ovs, engine: "vpp", control: "/run/vpp/api.sock", reachable: false, message: "ECONNREFUSED" }
      ]
      cluster.configured.resources = [
        { name: "userspace-cni/free", total: 2, used: 1, unhealthy: 0 },
        { name: "userspace-cni/full", total: 2, used: 1, unhealthy: 1 }
      ]
      cluster.write()
      const { stdout, well } = yield* cluster.verify()
      assert.isTrue(well, stdout)
      assert.includeMembers(states(stdout), [
        "ok attach and detach on the bridge br-a",
        "ok a device of userspace-cni/free"
      ])
      for (const words of [
        /bridge br-k +its datapath is system/,
        /bridge br-s +the doctor finds it unhealthy/,
        /vpp +it does not answer: ECONNREFUSED/,
        /a device of userspace-cni\/full +none of 2 is free and healthy/
      ]) {
        assert.match(stdout, words)
      }
    })
  )

  it.effect("says what fails and what to do, goes on with the next case, and exits with 1", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      const wrong: Readonly<Record<string, Wrong>> = {
        "v1-1": "sandbox",
        "v2-1": "wait",
        "v3-1": "image",
        "v5-2": "unscheduled",
        "v6-1": "ended"
      }
      cluster.configured.wrong = (name) => wrong[name]
      const { stdout, well } = yield* cluster.verify()
      assert.isFalse(well)
      assert.deepStrictEqual(
        states(stdout),
        cases.map((name, index) => `${index === 3 ? "ok" : "failed"} ${name}`)
      )
      for (const words of [
        /the pod is not Ready after 90 s: pod v1-1 FailedCreatePodSandBox: plugin failed of involvedObject.name=v1-1\n {2}-> /,
        /pod v2-1, container wait: exit status 1: userspace: no configuration of net1\n/,
        /pod v3-1: ErrImagePull: not found\n {2}-> Name an image/,
        /pods are not Ready after \d+ s: 1 of 3 pods, v5-2 among them, not scheduled: 0\/1 nodes/,
        /pod v6-1 has ended: Succeeded/
      ]) {
        assert.match(stdout, words)
      }
      assert.include(stdout, "Nothing is left.")
      assert.deepStrictEqual([cluster.namespaces.size, cluster.pods.size], [0, 0])
    })
  )

  it.effect("reports attachments that a DEL left, and a network that Multus does not show", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      cluster.configured.leaks = true
      cluster.configured.forgets = true
      const { stdout, well } = yield* cluster.verify()
      assert.isFalse(well)
      assert.match(
        stdout,
        /failed .* attach and detach\n {2}the object of the node does not show that the attachment is/
      )
      assert.match(stdout, /network-status is not complete: pod v2-1: userspace-verify-v2-b is not in it, but default,/)
      assert.match(stdout, /\nLeft:\n(?: {2}node n1: \d of network userspace-verify-v\d-[ab]\n)+$/)
    })
  )

  it.effect("does not take the object of an agent that has ended for one that shows nothing", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      cluster.configured.writes = false
      const { stdout, well } = yield* cluster.verify()
      assert.isFalse(well)
      assert.deepStrictEqual(
        states(stdout),
        cases.map((name, index) => `${index === 0 || index === 3 ? "failed" : "ok"} ${name}`)
      )
      assert.match(stdout, /does not show the attachment: userspacenode n1 has 0 of userspace-verify-v1-a after 60 s/)
    })
  )

  it.effect("prints JSON, and writes a page that has everything in it and nothing from outside", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      cluster.configured.wrong = (name) => (name === "v2-1" ? "wait" : undefined)
      const bucket = (le: string, count: number) =>
        `userspace_cni_call_duration_seconds_bucket{verb="ADD",engine="ovs-dpdk",le="${le}"} ${count}`
      cluster.configured.metrics = (reading) =>
        [bucket("0.05", 10 + reading * 5), bucket("0.1", 10 + reading * 10), bucket("+Inf", 10 + reading * 10)].join(
          "\n"
        )
      const path = yield* file("report.html", "")
      const { stderr, stdout, well } = yield* cluster.verify("--json", "--report", path)
      assert.isFalse(well)
      assert.match(stderr, /ok +\S+ +n1 +ovs-dpdk +attach and detach/)
      const report = JSON.parse(stdout)
      assert.deepStrictEqual([report.status, report.left], [1, []])
      const many = report.outcomes.find((one: { readonly name: string }) => one.name === cases[4])
      assert.strictEqual(many.state, "ok")
      assert.deepInclude(many.measured, { adds: 10, addP50Milliseconds: 50 })
      const page = readFileSync(path, "utf8")
      assert.match(page, /<title>userspace verify: failed<\/title>/)
      assert.include(page, "ovs-dpdk 3.5.0")
      assert.include(page, "exit status 1: userspace: no configuration of net1<br>-&gt; Read")
      assert.notMatch(page, /src=|href=|url\(|<script/)
    })
  )

  it.effect("shows on a terminal what runs, and nothing of that elsewhere", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      const written: Array<string> = []
      const watched = (canAnimate: boolean) =>
        cluster.verify("--node", "n1").pipe(
          Effect.provideService(Running, (text) => Effect.sync(() => void written.push(text))),
          Effect.provideService(TerminalCapabilities.TerminalCapabilities, {
            canColor: false,
            canAnimate,
            canPrompt: false
          })
        )
      yield* watched(false)
      assert.deepStrictEqual(written, [])
      yield* watched(true)
      // Before each line of the table it is taken away again.
      const shown = written.filter((text) => text !== "")
      assert.deepStrictEqual(
        shown,
        cases.map((name) => `n1: ${name} ...`)
      )
      assert.strictEqual(written.at(-1), "")
    })
  )

  it.effect("removes what it made when it is interrupted", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      cluster.configured.wrong = () => "sandbox"
      const args = ["verify", "--kubeconfig", kubeconfig]
      const errors: Array<string> = []
      const running = yield* Effect.forkChild(
        commandLine(args, {}).pipe(
          Effect.onExit(() => Effect.map(TestConsole.errorLines, (lines) => errors.push(...lines.map(String)))),
          Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, cluster.edges])
        )
      )
      const waiting = yield* Effect.forkChild(
        Effect.repeat(Effect.sleep("1 seconds"), { until: () => cluster.pods.size > 0 })
      )
      yield* cluster.drive(waiting)
      assert.deepStrictEqual([...cluster.namespaces.keys()], ["userspace-verify"])
      const interrupted = yield* Effect.forkChild(Fiber.interrupt(running))
      yield* cluster.drive(interrupted)
      assert.deepStrictEqual([cluster.namespaces.size, cluster.pods.size, cluster.networks.size], [0, 0, 0])
      assert.deepStrictEqual(errors, ["Interrupted. Everything that was made is removed."])
    })
  )
})

describe("the namespace of userspace verify", () => {
  it.effect("of an earlier run is refused, and removed with --replace; that of somebody else never", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      cluster.namespaces.set("userspace-verify", { metadata: { labels: { "userspace-cni.io/verify": "true" } } })
      const refused = yield* cluster.verify()
      assert.match(
        refused.stderr,
        /an earlier run has left something.*\n.*exists\n {2}-> Wait .* remove it with --replace/
      )
      assert.strictEqual(cluster.namespaces.size, 1)
      assert.isTrue((yield* cluster.verify("--replace")).well)
      cluster.namespaces.set("userspace-verify", { metadata: {} })
      const foreign = yield* cluster.verify("--replace")
      assert.match(foreign.stderr, /is not of a run.*\n {2}-> Remove it yourself, or name it with --namespace/)
      assert.strictEqual(cluster.namespaces.size, 1)
    })
  )

  it.effect("that exists is used with rights in it alone, and stays", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      cluster.namespaces.set("userspace-verify", { metadata: {} })
      cluster.server.roles.set(
        "me",
        rights.filter((right) => !/namespaces|serviceaccounts| nodes/.test(right))
      )
      // Of a run that was killed.
      cluster.networks.set("userspace-verify-v1-a", { metadata: { name: "userspace-verify-v1-a" } })
      cluster.networks.set("userspace-verify-v99-b", { metadata: { name: "userspace-verify-v99-b" } })
      const { stdout, well } = yield* cluster.verify("--namespace", "userspace-verify", "--replace")
      assert.isTrue(well, stdout)
      assert.deepStrictEqual([cluster.namespaces.size, cluster.pods.size, cluster.networks.size], [1, 0, 0])
    })
  )
})

describe("userspace verify, refused", () => {
  it.effect("says which right is missing, and has made nothing that stays", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      for (const right of ["create namespaces", "get serviceaccounts", "list userspacenodes"] as const) {
        cluster.server.roles.set(
          "me",
          rights.filter((one) => one !== right)
        )
        const { stderr, well } = yield* cluster.verify()
        assert.isFalse(well)
        assert.match(stderr, /403 Forbidden.*\n {2}-> Allow the kubeconfig's user to /)
        if (!right.startsWith("list")) assert.include(stderr, `user to ${right}`)
        assert.strictEqual(cluster.namespaces.size, 0)
      }
      cluster.server.roles.set(
        "me",
        rights.filter((one) => one !== "create network-attachment-definitions")
      )
      const { stdout } = yield* cluster.verify()
      assert.match(stdout, /cannot make the network .*\n.*-> Allow .* create network-attachment-definitions of k8s/)
    })
  )

  it.effect("where no node has a switch", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      cluster.configured.switches = []
      cluster.write()
      assert.match((yield* cluster.verify()).stderr, /no node to verify\n {2}n1: no switch\n {2}-> Start the agent/)
      assert.match((yield* cluster.verify("--node", "n7")).stderr, /n7: there is no UserspaceNode of this name/)
      assert.strictEqual(cluster.namespaces.size, 0)
    })
  )

  it.effect("refuses a node that was named and cannot be tried, beside one that can, before it makes anything", () =>
    Effect.gen(function* () {
      const cluster = yield* testCluster
      const { stderr, stdout, well } = yield* cluster.verify("--node", "n1,n7")
      assert.deepStrictEqual([well, stdout], [false, ""])
      assert.match(stderr, /cannot verify n7\n {2}n7: there is no UserspaceNode of this name\n {2}-> Start the agent/)
      assert.isFalse(cluster.server.asked.some(({ method }) => method !== "GET"))
    })
  )
})
