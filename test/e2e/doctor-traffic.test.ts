/**
 * What `userspace doctor` says of ports whose packets are dropped, whose memory is on another NUMA node than the thread that
 * polls them, and of SELinux labels, on a real Open vSwitch. Its cores are on two NUMA nodes by `--dummy-numa`, an option of
 * its own tests, because most machines have one; the memory of the applications is on node 0.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { listening } from "../container/support/Pod.ts"
import { lastSeen } from "../support/Until.ts"
import { CniNode, socketOf } from "./support/CniNode.ts"
import { doctor, doctorThrough } from "./support/Doctor.ts"
import { resultOf, well } from "./support/Plugin.ts"
import { succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

const attached = Effect.fnUntraced(function* (vhost: object = {}) {
  const node = yield* CniNode
  const sandbox = yield* node.sandbox
  const network = { ...node.network, host: { ...node.network.host, vhost: { mode: "client", ...vhost } } }
  const { interfaces } = yield* resultOf(yield* node.call("ADD", sandbox, network))
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.map(node.call("DEL", sandbox, network), well)))
  const name = `${node.directory.split("-").at(-1)}${sandbox.containerId.slice(0, 4)}`
  const end: Testpmd.End = {
    name,
    socket: socketOf(node.sharedDir, sandbox),
    mode: "server",
    mac: interfaces[0]?.mac ?? ""
  }
  return { sandbox, end, port: yield* node.portMarked(sandbox.containerId) }
})

onMachine(["root", "executable", "ovs", "testpmd", "hostLocal"], CniNode.layerWith({ numa: "0,1" }))(
  "doctor on Open vSwitch, of traffic",
  (test) => {
    test("packets above the rate, an application that does not read, and threads on another NUMA node", () =>
      Effect.gen(function* () {
        const { directory, stateDir, vsctl } = yield* CniNode
        const rx = yield* attached()
        const tx = yield* attached({ ingressPolicingRate: 1000, ingressPolicingBurst: 100 })
        const receiver = yield* Testpmd.run(rx.end.name, directory, Testpmd.receiverArguments(rx.end))
        yield* vsctl("wait-until", "Interface", rx.port, "link_state=up")
        yield* receiver.signal("SIGSTOP")
        yield* Effect.addFinalizer(() => receiver.signal("SIGCONT"))
        yield* Testpmd.run(tx.end.name, directory, Testpmd.flooderArguments(tx.end, rx.end.mac))
        const expected = ["packets-over-rate", "application-too-slow", "memory-on-other-numa-node"]
        // ovs-vswitchd writes counters every five seconds.
        const report = yield* lastSeen(doctor("--state-dir", stateDir), ({ ids }) =>
          expected.every((id) => ids.includes(id))
        )
        assert.includeMembers([...report.ids], expected)
        const seen = report.attachments.flatMap(({ findings }) => findings.map(({ seen }) => seen)).join("\n")
        assert.match(seen, /polling: its memory is on NUMA node 0, threads on 1 poll it/)
        assert.match(seen, /drops: [1-9]\d* packets since the port was made \(rate limit\)/)
        assert.match(seen, /drops: [1-9]\d* packets since the port was made \(application\)/)
      }))

    test("the SELinux label of a socket to which the switch does not connect, where there is SELinux", () =>
      Effect.gen(function* () {
        const { stateDir } = yield* CniNode
        const { end } = yield* attached()
        yield* listening(end.socket)
        const label = "system_u:object_r:container_file_t:s0:c1,c2"
        yield* succeed("chcon", [label, end.socket])
        yield* succeed("touch", ["--date=@0", end.socket])
        const without = yield* doctor("--state-dir", stateDir)
        assert.include(without.ids, "switch-does-not-connect")
        assert.notInclude(JSON.stringify(without), "SELinux label")
        // A kernel without SELinux keeps labels, and has no /sys/fs/selinux.
        const selinux = "mount -t tmpfs none /sys/fs && mkdir /sys/fs/selinux && touch /sys/fs/selinux/enforce"
        const within = ["unshare", "--mount", "sh", "-c", `${selinux} && exec "$@"`, "sh"]
        const { attachments } = yield* doctorThrough(within, "--state-dir", stateDir)
        const found = attachments.flatMap(({ findings }) =>
          findings.filter(({ id }) => id === "switch-does-not-connect")
        )
        assert.lengthOf(found, 1)
        assert.include(found[0]?.seen, `SELinux label ${label}`)
      }))
  }
)
