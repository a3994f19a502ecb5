/**
 * The commands of the examples' containers, with programs that only record their calls: the start script of the testpmd
 * image, and the shell lines of the pods on VPP.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { lastSeen } from "../support/Until.ts"
import { temporaryDirectory } from "../vpp/support/TestVpp.ts"
import { pods } from "./support/ExamplePods.ts"

const podTestpmd = join(import.meta.dirname, "../../scripts/image/testpmd/pod-testpmd")

/** A directory with these programs: each records its call, then does this. */
const programs = (bodies: Readonly<Record<string, string>>) =>
  Effect.map(temporaryDirectory, (directory) => {
    const log = `${directory}/calls`
    Fs.writeFileSync(log, "")
    for (const [name, body] of Object.entries(bodies)) {
      Fs.writeFileSync(`${directory}/${name}`, `#!/bin/sh\necho "${name} $*" >>${log}\n${body}\n`, { mode: 0o755 })
    }
    return {
      log,
      env: { PATH: `${directory}:/usr/bin:/bin` },
      calls: () => Fs.readFileSync(log, "utf8").trim().split("\n")
    }
  })

const userspace = '[ "$2" != testpmd ] || echo --no-pci --vdev=net_virtio_user0,path=/a'

describe("the testpmd image", () => {
  it.effect("waits, shows the interfaces, and opens them, with the container's arguments after DPDK's", () =>
    Effect.gen(function* () {
      const { calls, env } = yield* programs({ userspace, "dpdk-testpmd": "" })
      const { status } = spawnSync("/bin/sh", [podTestpmd, "--auto-start"], { env })
      assert.strictEqual(status, 0)
      assert.deepStrictEqual(calls(), [
        "userspace container wait",
        "userspace container show",
        "userspace container testpmd --remove-stale",
        "dpdk-testpmd --no-pci --vdev=net_virtio_user0,path=/a -- --total-num-mbufs=8192 --auto-start"
      ])
    })
  )

  it.effect("uses the pod's variables", () =>
    Effect.gen(function* () {
      const { calls, env } = yield* programs({ userspace, "dpdk-testpmd": "" })
      const more = { INTERFACES: "net1,net2", NO_HUGE: "1", DPDK_ARGUMENTS: "-l 2,3" }
      spawnSync("/bin/sh", [podTestpmd], { env: { ...env, ...more } })
      assert.deepStrictEqual(calls(), [
        "userspace container wait --interfaces net1,net2",
        "userspace container show",
        "userspace container testpmd --remove-stale --no-huge",
        "dpdk-testpmd -l 2,3 --no-pci --vdev=net_virtio_user0,path=/a -- --total-num-mbufs=8192"
      ])
    })
  )

  it.effect.each(["wait", "testpmd"])("does not start when `container %s` fails", (verb) =>
    Effect.gen(function* () {
      const { calls, env } = yield* programs({ userspace: `[ "$2" != ${verb} ]`, "dpdk-testpmd": "" })
      assert.notStrictEqual(spawnSync("/bin/sh", [podTestpmd], { env }).status, 0)
      assert.notInclude(calls().join("\n"), "dpdk-testpmd ")
    })
  )
})

/** Both pods on VPP run the same. */
const lines = [
  ...new Set(pods.filter(({ name }) => name.startsWith("vpp-")).map(({ spec }) => spec.containers[0].args?.join()))
]

describe("the pods on VPP", () => {
  it("run the same script", () => assert.lengthOf(lines, 1))

  const [text = ""] = lines

  it.effect("exit, so that kubelet restarts them, when their interface does not come or VPP exits", () =>
    Effect.gen(function* () {
      const absent = yield* programs({ vpp: "exec sleep 1", userspace: '[ "$2" != wait ]' })
      const late = spawnSync("/bin/sh", ["-ec", text], { env: absent.env, stdio: "ignore" })
      assert.strictEqual(late.status, 1)
      assert.notInclude(absent.calls().join("\n"), "container vpp")
      const gone = yield* programs({ vpp: "", userspace: "" })
      assert.isNotNull(spawnSync("/bin/sh", ["-ec", text], { env: gone.env, timeout: 60_000 }).status)
    })
  )

  it.live("configure VPP when it and the interface are there, and stop it when the pod is deleted", () =>
    Effect.gen(function* () {
      const { env, log } = yield* programs({ vpp: "exec sleep 60", userspace: "" })
      const shell = spawn("/bin/sh", ["-ec", text], { env, stdio: "ignore" })
      const ended = once(shell, "exit")
      const called = Effect.sync(() => Fs.readFileSync(log, "utf8"))
      // VPP is started beside the others, and may be the last to be recorded.
      const all = Effect.map(called, (calls) => calls.trim().split("\n").toSorted())
      const calls = yield* lastSeen(all, ({ length }) => length === 3)
      assert.deepStrictEqual(calls, [
        "userspace container vpp",
        "userspace container wait",
        "vpp -c /etc/vpp/startup.conf"
      ])
      shell.kill("SIGTERM")
      yield* Effect.promise(() => ended)
    })
  )
})
