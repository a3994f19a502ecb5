/**
 * A private containerd with its CRI, as a scoped layer: with separate directories, sockets and cgroup, no systemd, no
 * registry. It runs in a mount namespace with empty `/run` and `/var/lib`, because the CNI cache and runc's state have
 * fixed paths there. Its processes end with it: pods over the CRI, then containerd, then its remaining shims, by pid.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { Cause, Context, Effect, Exit, Layer, Schema } from "effect"
import { type NotThere, until } from "../../support/Until.ts"
import { Cri, CriError } from "./Cri.ts"
import { build, reference } from "./Image.ts"
import { type ProgramError, start, succeed } from "./Program.ts"

interface Setup {
  /** Private, exists. */
  readonly directory: string
  /** Directory of CNI plugins; must contain `loopback` too. */
  readonly plugins: string
  /** The network of every pod: a network configuration list. */
  readonly network: object
}

export interface Pod {
  readonly id: string
  readonly config: object
}

export interface Container {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  /** Path in the container, path on the node. */
  readonly mounts: ReadonlyArray<{ readonly at: string; readonly from: string; readonly readonly: boolean }>
  /** And its group, of the same number. */
  readonly user: number
}

export class Containerd extends Context.Service<
  Containerd,
  {
    /** `attempt`: kubelet counts the sandboxes of a pod. */
    readonly runPod: (name: string, attempt?: number) => Effect.Effect<Pod, CriError>
    /** Kills the sandbox's pause process, and returns when the runtime has noticed. */
    readonly killPause: (pod: Pod) => Effect.Effect<void, CriError | NotThere>
    /** Starts it without privileges, and returns the path of its output. */
    readonly runContainer: (pod: Pod, container: Container) => Effect.Effect<string, CriError>
    readonly stopPod: (pod: Pod) => Effect.Effect<void, CriError>
    readonly removePod: (pod: Pod) => Effect.Effect<void, CriError | NotThere>
    /** The address that the runtime reports for the pod. */
    readonly address: (pod: Pod) => Effect.Effect<string, CriError>
  }
>()("userspace-cni/test/Containerd") {
  static readonly layer = (setup: Setup): Layer.Layer<Containerd, CriError | NotThere | ProgramError> =>
    Layer.effect(Containerd, make(setup)).pipe(
      Layer.provide(Cri.layer(socketOf(setup))),
      Layer.provide(Layer.effectDiscard(daemon(setup)))
    )
}

const decodeInfo = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Struct({ pid: Schema.Int })))

const socketOf = ({ directory }: Setup) => `${directory}/containerd.sock`

const configuration = (setup: Setup) => `version = 2
root = "${setup.directory}/root"
state = "${setup.directory}/state"
[grpc]
  address = "${socketOf(setup)}"
[ttrpc]
  address = "${socketOf(setup)}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "${setup.directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${reference}"
  disable_apparmor = true
  # Lowering a score takes CAP_SYS_RESOURCE, which a test machine need not give.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${setup.plugins}"
    conf_dir = "${setup.directory}/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`

/** A cgroup can be removed when it is empty; parents follow their children. */
const removeCgroups = (parent: string) =>
  Effect.try(() => {
    const hierarchies = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)]
    for (const hierarchy of hierarchies.filter((path) => existsSync(`${path}${parent}`))) {
      const below = readdirSync(`${hierarchy}${parent}`, { recursive: true, withFileTypes: true })
      const directories = below
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${entry.parentPath}/${entry.name}`)
      for (const path of directories.sort().reverse()) rmdirSync(path)
      rmdirSync(`${hierarchy}${parent}`)
    }
  })

/** The shims of our pods have our socket in their command line, and no others. */
const endShims = (setup: Setup) =>
  Effect.forEach(
    readdirSync("/proc").filter((name) => /^\d+$/.test(name)),
    (pid) =>
      Effect.ignore(
        Effect.try(() => {
          const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
          const ours = words[0]?.includes("containerd-shim") && words.includes(socketOf(setup))
          if (ours) process.kill(Number(pid), "SIGKILL")
        })
      )
  )

const cgroupOf = ({ directory }: Setup) => `/${directory.replaceAll(/[^A-Za-z0-9]+/g, "-").replace(/^-/, "")}`

const daemon = Effect.fnUntraced(function* (setup: Setup) {
  const { directory } = setup
  for (const name of ["root", "state", "opt", "net.d", "log", "image"]) mkdirSync(`${directory}/${name}`)
  writeFileSync(`${directory}/net.d/10-userspace.conflist`, JSON.stringify(setup.network))
  writeFileSync(`${directory}/config.toml`, configuration(setup))
  const archive = yield* build(`${directory}/image`)

  yield* Effect.addFinalizer(() => Effect.ignore(removeCgroups(cgroupOf(setup))))
  yield* Effect.addFinalizer(() => endShims(setup))
  const script = 'mount -t tmpfs e2e /run && mount -t tmpfs e2e /var/lib && exec containerd --config "$0"'
  yield* start("unshare", ["--mount", "sh", "-c", script, `${directory}/config.toml`], {
    log: `${directory}/log/containerd.log`,
    cwd: directory,
    stop: "SIGTERM"
  })
  const ctr = ["-a", socketOf(setup), "-n", "k8s.io"]
  const version = succeed("ctr", [...ctr, "--connect-timeout", "1s", "version"])
  yield* until("a containerd that answers", version, () => true)
  yield* succeed("ctr", [...ctr, "images", "import", "--snapshotter", "native", archive])
})

const make = Effect.fnUntraced(function* (setup: Setup) {
  const cri = yield* Cri
  const logs = `${setup.directory}/log`

  const stopPod = ({ id }: Pick<Pod, "id">) => Effect.asVoid(cri.call("StopPodSandbox", { pod_sandbox_id: id }))
  // A container dies with its pod's pause process. Until containerd has handled that exit it reports the container as
  // running, stops nothing and refuses to remove it; kubelet asks again.
  const removePod = ({ id }: Pick<Pod, "id">) =>
    until(
      "the end of the pod's containers",
      Effect.exit(cri.call("RemovePodSandbox", { pod_sandbox_id: id })),
      (exit) => !(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes("container is still running"))
    ).pipe(Effect.flatten, Effect.asVoid)
  yield* Effect.addFinalizer(() =>
    cri.call("ListPodSandbox", {}).pipe(
      Effect.flatMap(({ items = [] }) => Effect.forEach(items, (pod) => Effect.andThen(stopPod(pod), removePod(pod)))),
      Effect.ignore
    )
  )

  yield* until("a runtime that is ready", cri.call("Status", {}), ({ status }) =>
    status.conditions.every((condition) => condition.status)
  )

  const runPod = Effect.fn("Containerd.runPod")(function* (name: string, attempt = 0) {
    const config = {
      metadata: { name, uid: `uid-${name}`, namespace: "e2e", attempt },
      log_directory: logs,
      linux: {
        cgroup_parent: cgroupOf(setup),
        security_context: { namespace_options: { network: "POD", pid: "CONTAINER", ipc: "POD" } }
      }
    }
    const { pod_sandbox_id: id } = yield* cri.call("RunPodSandbox", { config })
    return { id, config }
  })

  const runContainer = Effect.fn("Containerd.runContainer")(function* (pod: Pod, container: Container) {
    const { container_id } = yield* cri.call("CreateContainer", {
      pod_sandbox_id: pod.id,
      sandbox_config: pod.config,
      config: {
        metadata: { name: container.name, attempt: 0 },
        image: { image: reference },
        command: [container.command],
        args: container.args,
        envs: Object.entries(container.environment).map(([key, value]) => ({ key, value })),
        mounts: container.mounts.map(({ at, from, readonly }) => ({ container_path: at, host_path: from, readonly })),
        log_path: `${pod.id.slice(0, 12)}-${container.name}.log`,
        linux: {
          security_context: {
            privileged: false,
            run_as_user: { value: container.user },
            run_as_group: { value: container.user }
          }
        }
      }
    })
    yield* cri.call("StartContainer", { container_id })
    return `${logs}/${pod.id.slice(0, 12)}-${container.name}.log`
  })

  const killPause = Effect.fn("Containerd.killPause")(function* ({ id }: Pod) {
    const { info } = yield* cri.call("PodSandboxStatus", { pod_sandbox_id: id, verbose: true })
    const { pid } = yield* Effect.mapError(
      decodeInfo(info?.["info"] ?? ""),
      ({ message }) => new CriError({ method: "PodSandboxStatus", answer: message })
    )
    process.kill(pid, "SIGKILL")
    yield* until(
      "a sandbox that is not ready",
      cri.call("PodSandboxStatus", { pod_sandbox_id: id }),
      ({ status }) => status.state === "SANDBOX_NOTREADY"
    )
  })

  return Containerd.of({
    runPod,
    killPause,
    runContainer,
    stopPod,
    removePod,
    address: ({ id }) =>
      Effect.map(cri.call("PodSandboxStatus", { pod_sandbox_id: id }), ({ status }) => status.network?.ip ?? "")
  })
})
