/**
 * The input of `userspace container ...` in the pod: annotations, files in the shared directory that others can write,
 * device information. What is found can be shown on a terminal, put into a shell's line, and connected to.
 */

import * as assert from "node:assert/strict"
import { Effect, Layer, Result } from "effect"
import { interfaceJson, interfaceTable } from "../../../src/cli/commands/container/Show.ts"
import { plain } from "../../../src/cli/print/Printer.ts"
import { type Discovered, find } from "../../../src/container/Discovery.ts"
import { vdevArguments } from "../../../src/container/DpdkArguments.ts"
import * as Presence from "../../../src/container/Presence.ts"
import { startupConf } from "../../../src/container/vpp/Link.ts"
import { layer, MemoryFiles } from "../../platform/support/FilesMemory.ts"
import type { Target } from "../support/Fuzz.ts"
import { jsonNear, textsNear } from "../support/Inputs.ts"

const directory = "/run/shared"
const places = {
  annotations: "/etc/podinfo/annotations",
  directory,
  deviceInfo: { net9: "/run/devinfo.json" },
  containerId: undefined
}

const element = {
  containerId: "9c1f0b7a2d3e4f5061728394a5b6c7d8",
  ifName: "net1",
  name: "ovs",
  config: {
    engine: "vpp",
    iftype: "memif",
    mtu: 1500,
    mac: "02:00:00:00:00:01",
    memif: { role: "slave", mode: "ethernet", socketfile: "memif.sock", ringSize: 1024, rxQueues: 2, secret: "hunter2" }
  },
  ipResult: {
    interfaces: [{ name: "net1", sandbox: "/n" }],
    ips: [{ version: "4", address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 0 }],
    routes: [{ dst: "0.0.0.0/0", gw: "10.0.0.1" }],
    dns: {}
  }
}

const vhost = {
  ...element,
  ifName: "net2",
  config: { iftype: "vhostuser", vhost: { mode: "server", socketfile: "a-net2", queues: 2 } }
}

const status = [
  {
    name: "default/net",
    interface: "net3",
    ips: ["10.0.0.3"],
    mac: "02:00:00:00:00:03",
    gateway: ["10.0.0.1"],
    "device-info": {
      type: "memif",
      version: "1.1.0",
      memif: { role: "slave", path: "/run/shared/m.sock", mode: "ethernet" }
    }
  }
]

const line = (key: string, value: unknown) => `${key}=${JSON.stringify(JSON.stringify(value))}`
const annotations = [
  line("userspace/configuration-data", [element, vhost]),
  'userspace/mapped-dir="/run/shared/"',
  line("k8s.v1.cni.cncf.io/network-status", status)
].join("\n")

/** Printed on a terminal, so it has no control characters. */
const isPlain = (text: string) => !/[\p{Cc}\p{Bidi_C}]/u.test(text.replaceAll("\n", ""))

const checked = ({ interfaces, looked, problems }: Discovered, seen: ReadonlyArray<Presence.Presence>) => {
  for (const text of [...problems, ...looked]) {
    assert.ok(isPlain(text), JSON.stringify(text))
    assert.ok(text.length < 4096, `${text.length} characters`)
  }
  assert.ok(interfaces.length + problems.length < 10_000)
  const table = interfaceTable(
    interfaces.flatMap((one, index) => {
      const presence = seen[index]
      return presence === undefined ? [] : [{ one, presence }]
    }),
    plain
  )
  assert.ok(isPlain(table), JSON.stringify(table))
  for (const one of interfaces) {
    assert.ok(
      one.kind === "memif" && one.abstract ? !one.socket.includes("/..") : one.socket.startsWith("/"),
      one.socket
    )
    assert.ok(!one.socket.split("/").includes(".."), one.socket)
    JSON.stringify(
      interfaceJson({ one, presence: { there: true, ready: true, stale: false, problem: undefined, words: "" } })
    )
  }
  for (const secrets of ["refused", "on the command line"] as const) {
    Result.match(vdevArguments(interfaces, { secrets }), {
      onFailure: ({ message }) => assert.ok(isPlain(message), JSON.stringify(message)),
      onSuccess: (words) => assert.ok(words.every((word) => /^--vdev=[A-Za-z0-9_./:@%+=,-]+$/.test(word)))
    })
  }
  Result.map(startupConf(interfaces), (text) =>
    assert.match(text, /^dpdk \{\n {2}no-pci\n( {2}vdev [A-Za-z0-9_./:@%+=,-]+\n)*\}$/)
  )
}

const looking = (files: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const found = yield* find(places)
    checked(found, yield* Effect.forEach(found.interfaces, Presence.look))
  }).pipe(
    Effect.provide(
      Layer.suspend(() => {
        const state = new MemoryFiles([directory, "/etc/podinfo"])
        for (const [path, text] of Object.entries(files)) state.put(path, "file", text)
        return layer(state)
      })
    )
  )

const fromAnnotations: Target = {
  name: "annotations",
  inputs: textsNear(annotations),
  property: (text) => looking({ [places.annotations]: text }),
  runs: 65
}

const fromFiles: Target = {
  name: "configuration-data",
  inputs: jsonNear(element, vhost, [element, vhost]),
  property: (text) =>
    looking({ [`${directory}/configData-a.json`]: text, [`${directory}/configData-b.json`]: JSON.stringify(vhost) }),
  runs: 65
}

const fromDevices: Target = {
  name: "device-information",
  inputs: jsonNear(
    { type: "memif", version: "1.1.0", memif: { role: "slave", path: "/run/shared/m.sock", mode: "ethernet" } },
    { type: "vhost-user", version: "1.1.0", "vhost-user": { mode: "server", path: "/run/shared/v" } }
  ),
  property: (text) => looking({ "/run/devinfo.json": text }),
  runs: 50
}

const fromStatus: Target = {
  name: "network-status",
  inputs: jsonNear(status),
  property: (text) => looking({ [places.annotations]: `k8s.v1.cni.cncf.io/network-status=${JSON.stringify(text)}` }),
  runs: 50
}

export const targets: ReadonlyArray<Target> = [fromAnnotations, fromFiles, fromDevices, fromStatus]
