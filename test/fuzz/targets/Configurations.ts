/** The caller's input: the configuration on stdin, CNI_ARGS, the other variables; the answer of an IPAM plugin. */
import { Effect, Layer } from "effect"
import { Processes } from "../../../src/platform/Processes.ts"
import type { Target } from "../support/Fuzz.ts"
import { hostileTexts, jsonNear, textsNear } from "../support/Inputs.ts"
import { lifeOf, network, watchedNode } from "../support/Watched.ts"

const memif = {
  cniVersion: "0.3.1",
  name: "net",
  kubeconfig: "",
  host: {
    engine: "vpp",
    iftype: "memif",
    netType: "bridge",
    memif: { role: "master", mode: "ethernet", ringSize: 512, secret: "hunter2" },
    bridge: { bridgeName: "4" }
  },
  container: { engine: "vpp", iftype: "memif", memif: { role: "slave", socketfile: "my.sock" } },
  prevResult: { cniVersion: "0.3.1", interfaces: [{ name: "eth0" }], ips: [{ version: "4", address: "10.0.0.2/24" }] }
}

const everything = {
  ...network,
  stateDir: "/run/state",
  logFile: "/run/log",
  logLevel: "debug",
  host: { ...network.host, vhost: { mode: "server", socketfile: "a.sock" }, mtu: 1500, mac: "02:00:00:00:00:01" },
  dns: { nameservers: ["10.0.0.1"], search: ["a"] },
  capabilities: { mac: true, CNIDeviceInfoFile: true, bandwidth: true, ips: true },
  runtimeConfig: {
    mac: "02:00:00:00:00:02",
    CNIDeviceInfoFile: "/run/devinfo/a.json",
    bandwidth: { ingressRate: 1000, egressRate: 2000 },
    ips: ["10.9.8.4/24"]
  },
  args: { cni: { OvnPort: "lp", mac: "02:00:00:00:00:03" } },
  prevResult: {
    cniVersion: "1.1.0",
    interfaces: [{ name: "eth0", sandbox: "/n", mac: "02:00:00:00:00:04", mtu: 1500 }],
    ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 0 }],
    routes: [{ dst: "0.0.0.0/0", gw: "10.0.0.1", mtu: 1400, table: 7 }],
    dns: { domain: "x" }
  }
}

const configuration: Target = {
  name: "configuration",
  inputs: jsonNear(network, everything, memif),
  property: (text) => lifeOf(text),
  runs: 25
}

const uid = "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d"

const cniArgs: Target = {
  name: "cni-args",
  inputs: textsNear(
    `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=${uid}`,
    "IP=10.9.8.4;MAC=02:00:00:00:00:01;OvnPort=lp-1",
    "K8S_POD_NAMESPACE=..;K8S_POD_NAME=../../x"
  ),
  property: (text) => lifeOf(JSON.stringify(network), { CNI_ARGS: text }),
  runs: 20
}

/** One line for each variable. */
const environment: Target = {
  name: "environment",
  inputs: textsNear(
    "0958c8871b32cafe\n/var/run/netns/c1\nnet1\n/opt/cni/bin",
    ...hostileTexts.map((text) => `${text.replaceAll("\n", "")}\n/var/run/netns/c1\nnet1\n/opt/cni/bin`),
    ...hostileTexts.map((text) => `c1\n/var/run/netns/c1\n${text.replaceAll("\n", "")}\n/opt/cni/bin`)
  ),
  property: (text) => {
    const [CNI_CONTAINERID = "", CNI_NETNS = "", CNI_IFNAME = "", CNI_PATH = ""] = text.split("\n")
    return lifeOf(JSON.stringify(network), { CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_PATH })
  },
  runs: 20
}

const answers = (text: string) => {
  const node = watchedNode()
  node.files.put("/opt/cni/bin/host-local", "file", "", 0o755)
  // A DEL that fails keeps the record, for the next one.
  const answer = (verb: string | undefined) =>
    verb === "DEL"
      ? { status: 0, stdout: "", stderr: text }
      : { status: text.length % 7 === 0 ? 1 : 0, stdout: text, stderr: text }
  const processes = Layer.succeed(
    Processes,
    Processes.of({ run: ({ env }) => Effect.sync(() => answer(env["CNI_COMMAND"])) })
  )
  return { node, edges: Layer.merge(node.edges, processes) }
}

const ipam: Target = {
  name: "ipam",
  inputs: jsonNear(
    everything.prevResult,
    { cniVersion: "0.2.0", ip4: { ip: "10.0.0.2/24", gateway: "10.0.0.1", routes: [{ dst: "0.0.0.0/0" }] } },
    { cniVersion: "1.0.0", code: 11, msg: "no addresses left", details: "in range 0" }
  ),
  property: (text) =>
    Effect.gen(function* () {
      const { edges, node } = answers(text)
      const { ipam: _, ...without } = network
      yield* lifeOf(JSON.stringify({ ...without, ipam: { type: "host-local" } }), {}, node, edges)
    }),
  runs: 25
}

export const targets: ReadonlyArray<Target> = [configuration, cniArgs, environment, ipam]
