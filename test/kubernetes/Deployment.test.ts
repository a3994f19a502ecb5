/** The parts of `examples/kubernetes` fit together: the installer's arguments, its role, the networks. */
import * as Fs from "node:fs"
import { dirname, join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { longestCall } from "../../src/agent/Protocol.ts"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { Entering } from "../../src/cli/input/Host.ts"
import { defaultControl } from "../../src/cni/network/HostPorts.ts"
import { defaultStateDir } from "../../src/cni/network/Validators.ts"
import { RunningExecutable } from "../../src/install/Executable.ts"
import { account } from "../../src/kubernetes/Origin.ts"
import { type } from "../cli/support/Terminal.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { edges } from "../install/support/Edges.ts"
import { node } from "../install/support/Place.ts"
import { networks } from "./support/ExamplePods.ts"
import { manifests } from "./support/Manifests.ts"

const Probe = Schema.Struct({
  exec: Schema.Struct({ command: Schema.Array(Schema.String) }),
  periodSeconds: Schema.Int,
  timeoutSeconds: Schema.Int,
  terminationGracePeriodSeconds: Schema.optionalKey(Schema.Int)
})

const Container = Schema.Struct({
  name: Schema.String,
  image: Schema.String,
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  args: Schema.Array(Schema.String),
  readinessProbe: Schema.optionalKey(Probe),
  livenessProbe: Schema.optionalKey(Probe),
  resources: Schema.optionalKey(
    Schema.Struct({
      requests: Schema.Struct({ cpu: Schema.String, memory: Schema.String }),
      limits: Schema.optionalKey(Schema.Struct({ memory: Schema.String }))
    })
  ),
  securityContext: Schema.Struct({
    privileged: Schema.optionalKey(Schema.Literal(true)),
    capabilities: Schema.optionalKey(
      Schema.Struct({ drop: Schema.Array(Schema.String), add: Schema.Array(Schema.String) })
    )
  }),
  volumeMounts: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      mountPath: Schema.String,
      readOnly: Schema.optionalKey(Schema.Boolean),
      mountPropagation: Schema.optionalKey(Schema.String)
    })
  )
})

const Volumes = Schema.Array(
  Schema.Struct({
    name: Schema.String,
    hostPath: Schema.optionalKey(Schema.Struct({ path: Schema.String })),
    projected: Schema.optionalKey(Schema.Struct({ sources: Schema.Array(Schema.Unknown) }))
  })
)

const DaemonSet = Schema.Struct({
  kind: Schema.Literal("DaemonSet"),
  metadata: Schema.Record(Schema.String, Schema.Unknown),
  spec: Schema.Struct({
    selector: Schema.Struct({ matchLabels: Schema.Record(Schema.String, Schema.String) }),
    template: Schema.Struct({
      metadata: Schema.Struct({ labels: Schema.Record(Schema.String, Schema.String) }),
      spec: Schema.Struct({
        serviceAccountName: Schema.String,
        automountServiceAccountToken: Schema.Literal(false),
        hostNetwork: Schema.Literal(true),
        hostPID: Schema.Literal(true),
        terminationGracePeriodSeconds: Schema.Int,
        nodeSelector: Schema.Record(Schema.String, Schema.String),
        initContainers: Schema.Array(Container),
        containers: Schema.Array(Container),
        volumes: Volumes
      })
    })
  })
})

const daemonSet = Schema.decodeUnknownSync(DaemonSet)(manifests("daemonset.yaml")[0])
const { containers: staying, initContainers, nodeSelector, serviceAccountName } = daemonSet.spec.template.spec
const containers = staying.filter(({ args }) => args[0] === "install")
const agents = staying.filter(({ args }) => args[0] === "agent")

/** What is other where there is no agent. */
const WithoutAgent = Schema.Struct({
  spec: Schema.Struct({
    template: Schema.Struct({
      spec: Schema.Struct({
        hostPID: Schema.Literal(false),
        containers: Schema.Tuple([
          Schema.Struct({ name: Schema.Literal("agent"), $patch: Schema.Literal("delete") }),
          Container
        ]),
        volumes: Volumes
      })
    })
  })
})
const withoutAgent = Schema.decodeUnknownSync(WithoutAgent)(manifests("../kubernetes-without-agent/daemonset.yaml")[0])
  .spec.template.spec
const [, collector] = withoutAgent.containers
const volumes = [...daemonSet.spec.template.spec.volumes, ...withoutAgent.volumes]

const Kustomization = Schema.Struct({
  resources: Schema.Array(Schema.String),
  images: Schema.Array(Schema.Struct({ name: Schema.String, newName: Schema.String, newTag: Schema.String }))
})

const words = Schema.Array(Schema.String)
const Role = Schema.Struct({
  rules: Schema.Array(Schema.Struct({ apiGroups: words, resources: words, verbs: words }))
})
const Patches = Schema.Struct({
  patches: Schema.Array(
    Schema.Struct({
      target: Schema.optionalKey(Schema.Struct({ kind: Schema.String })),
      patch: Schema.optionalKey(Schema.String)
    })
  )
})

const kustomization = Schema.decodeUnknownSync(Kustomization)(manifests("kustomization.yaml")[0])

/** The node's path of a path in the container. */
const onNode = ({ volumeMounts }: typeof Container.Type, path: string): string => {
  const mount = volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`) || path === mountPath)
  const volume = volumes.find(({ name }) => name === mount?.name)
  assert.isDefined(mount)
  assert.isDefined(volume?.hostPath)
  return volume.hostPath.path + path.slice(mount.mountPath.length)
}

describe("the DaemonSet", () => {
  it("selects its own pods, and leaves the namespace to the kustomization", () => {
    assert.deepStrictEqual(daemonSet.spec.selector.matchLabels, daemonSet.spec.template.metadata.labels)
    assert.notProperty(daemonSet.metadata, "namespace")
  })

  it("runs as the account that role.yaml binds", () => {
    const account = manifests("role.yaml").find(({ kind }) => kind === "ServiceAccount")
    const named = Schema.Struct({ metadata: Schema.Struct({ name: Schema.String }) })
    assert.strictEqual(Schema.decodeUnknownSync(named)(account).metadata.name, serviceAccountName)
  })

  it("has without the agent no right to write events or the object of the node, which only the agent does", () => {
    const roles = manifests("role.yaml").filter(({ kind }) => kind === "ClusterRole")
    const { rules } = Schema.decodeUnknownSync(Role)(roles[0])
    const { patches } = Schema.decodeUnknownSync(Patches)(
      manifests("../kubernetes-without-agent/kustomization.yaml")[0]
    )
    const patch = patches.find(({ target }) => target?.kind === "ClusterRole")?.patch
    const removed = [...(patch ?? "").matchAll(/- op: remove\n {2}path: \/rules\/(\d)/g)].map(([, index]) =>
      Number(index)
    )
    // The last one first: those behind a removed one move up.
    assert.deepStrictEqual(removed, [5, 4, 3, 2])
    const kept = rules.filter((_, index) => !removed.includes(index))
    assert.deepStrictEqual(
      kept.flatMap(({ resources }) => resources),
      ["pods", "pods/status"]
    )
  })

  it.effect("gives its containers arguments that put the files where the node and the network look for them", () =>
    Effect.gen(function* () {
      const place = yield* node
      const written: Array<string> = []
      for (const container of [...initContainers, ...containers]) {
        // Permanently running commands are tested elsewhere; here they must end.
        const args = container.args.filter((arg) => arg !== "--renew")
        const real = args.map((arg) => (arg.startsWith("/") ? join(place.bin, onNode(container, arg)) : arg))
        for (const path of real.filter((arg) => arg.startsWith("/"))) {
          Fs.mkdirSync(args[1] === "--cni-bin-dir" ? path : dirname(path), { recursive: true })
        }
        yield* commandLine([...real, "--service-account", place.account], place.variables).pipe(
          Effect.provideService(RunningExecutable, place.executable),
          Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, edges])
        )
        written.push(...args.filter((arg) => arg.startsWith("/")).map((arg) => onNode(container, arg)))
      }
      assert.isTrue(Fs.existsSync(join(place.bin, "opt/cni/bin/userspace")))
      assert.isTrue(Fs.existsSync(join(place.bin, "etc/cni/net.d/userspace.kubeconfig")))
      for (const { spec } of networks) assert.include(written, spec.config.kubeconfig)
    })
  )

  it("is scheduled to nodes on which the image's executable runs, with the rights of the installer", () => {
    assert.deepStrictEqual(nodeSelector, { "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" })
    for (const { securityContext } of [...initContainers, ...containers]) {
      assert.deepStrictEqual(securityContext.capabilities, { drop: ["ALL"], add: ["DAC_OVERRIDE"] })
    }
  })

  it("has only the renewing container after the installer", () => {
    assert.isTrue(containers.every(({ args }) => args.includes("--renew")))
    assert.isFalse(initContainers.some(({ args }) => args.includes("--renew")))
  })

  it("mounts the service account's token in the container that writes the kubeconfig, and in no other", () => {
    const projected = volumes.filter((volume) => volume.projected !== undefined).map(({ name }) => name)
    const users = [...initContainers, ...staying].filter(({ volumeMounts }) =>
      volumeMounts.some(({ name }) => projected.includes(name))
    )
    assert.deepStrictEqual(users, containers)
    const mounts = containers.flatMap(({ volumeMounts }) => volumeMounts)
    assert.isTrue(mounts.some(({ mountPath }) => mountPath === account))
  })

  it.effect("runs the node's executable as the agent, and asks it, on the node", () =>
    Effect.gen(function* () {
      assert.lengthOf(agents, 1)
      for (const agent of agents) {
        const { command = [], args, livenessProbe, readinessProbe } = agent
        // As kubelet fills them in.
        const filled = args.map((word) => word.replaceAll("$(HOST_IP)", "fd00::5").replaceAll("$(NODE_NAME)", "n1"))
        const commands = [
          [...command, ...filled],
          livenessProbe?.exec.command ?? [],
          readinessProbe?.exec.command ?? []
        ]
        const entered: Array<number> = []
        for (const [executable = "", ...words] of commands) {
          assert.strictEqual(onNode(agent, executable), executable)
          const { stderr, well } = yield* type(make(), words).pipe(
            Effect.provideService(Entering, (pid) => {
              entered.push(pid)
              return Effect.fail("setns to /proc/1/ns/mnt: EPERM")
            })
          )
          assert.isFalse(well)
          assert.include(
            stderr,
            "userspace: cannot run in the node's namespaces\n  setns to /proc/1/ns/mnt: EPERM\n  -> "
          )
        }
        assert.deepStrictEqual(entered, [1, 1, 1])
        assert.isTrue(commands[2]?.includes("--ready"))
        assert.isTrue(agent.securityContext.privileged)
        assert.isDefined(agent.resources?.limits?.memory)
      }
    })
  )

  it("waits for the calls that the agent has accepted", () => {
    assert.isAbove(daemonSet.spec.template.spec.terminationGracePeriodSeconds * 1000, longestCall)
  })

  it("does not wait as long for an agent that does not answer", () => {
    for (const { livenessProbe } of agents) assert.strictEqual(livenessProbe?.terminationGracePeriodSeconds, 20)
  })

  it.effect(
    "without the agent collects stale attachments, with every path and every namespace where the node has it",
    () =>
      Effect.gen(function* () {
        const { stderr, well } = yield* type(make(), collector.args.slice(0, collector.args.indexOf("--every")))
        assert.isTrue(well, stderr)
        assert.include(collector.args, "--by-sandbox")
        const kubeconfigs = networks.map(({ spec }) => spec.config.kubeconfig)
        const paths = [
          defaultStateDir,
          "/opt/cni/bin",
          "/var/lib/cni/networks",
          "/var/lib/kubelet/pods",
          ...kubeconfigs
        ]
        const controls = [defaultControl("ovs-dpdk", {}), defaultControl("vpp", {}), "/run/netns", "/var/run/netns"]
        for (const path of [...paths, ...controls]) {
          assert.strictEqual(
            onNode(collector, path).replace(/^\/var\/run/, "/run"),
            path.replace(/^\/var\/run/, "/run")
          )
        }
        const mounts = collector.volumeMounts.filter(({ name }) => name === "run" || name === "kubelet")
        assert.isTrue(mounts.every(({ mountPropagation }) => mountPropagation === "HostToContainer"))
      })
  )

  it("is in the kustomization, with its role and its image", () => {
    assert.deepStrictEqual(kustomization.resources, ["userspacenodes.yaml", "role.yaml", "daemonset.yaml"])
    assert.deepStrictEqual(
      [...initContainers, ...staying, collector].map(({ image }) => image),
      [0, 1, 2, 3].map(() => kustomization.images.map(({ name, newTag }) => `${name}:${newTag}`).join())
    )
  })
})
