/**
 * A node as its containers see it: process 1 of a PID namespace, with separate mounts; and a container on it as kubelet
 * requests one for `hostPID` and `privileged`, by runc, with a separate root directory, mounts and network.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { Effect } from "effect"
import { until } from "../../support/Until.ts"
import { CniNode, newContainerId, type Sandbox } from "./CniNode.ts"
import { executable } from "./Machine.ts"
import { cleanEnvironment, run, start, succeed } from "./Program.ts"

/** `through`: the command line before a program that runs on the node. */
export const nodeProcesses = Effect.gen(function* () {
  const { directory } = yield* CniNode
  const ready = `${directory}/node-${newContainerId().slice(0, 8)}`
  const script = `echo >${ready} && exec sleep infinity`
  const { pid } = yield* start("unshare", [
    ...["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script]
  ])
  yield* succeed("sh", ["-c", `until [ -e ${ready} ]; do sleep 0.01; done`])
  const first = (yield* succeed("cat", [`/proc/${pid}/task/${pid}/children`])).trim()
  const through = ["nsenter", `--target=${first}`, "--mount", "--pid", "--"]
  const onNode = (program: string, args: ReadonlyArray<string>) =>
    run("nsenter", [...through.slice(1), program, ...args])
  const sandbox = Effect.gen(function* () {
    const containerId = newContainerId()
    const netns = `${directory}/netns-${containerId.slice(0, 12)}`
    writeFileSync(netns, "")
    yield* succeed("nsenter", [...through.slice(1), "unshare", `--net=${netns}`, "true"])
    return { containerId, netns, ifName: "net1" } satisfies Sandbox
  })
  return { through, onNode, sandbox }
})

/** For entering namespaces, and for sockets and files of pods. */
const rights = ["SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE", "DAC_OVERRIDE", "CHOWN", "FOWNER", "KILL", "NET_ADMIN"]

interface Mount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options?: ReadonlyArray<string>
}

interface Shape {
  readonly args: ReadonlyArray<string>
  readonly mounts: ReadonlyArray<Mount>
  readonly namespaces: ReadonlyArray<string>
}

const specification = ({ args, mounts, namespaces }: Shape) => {
  const capabilities = rights.map((name) => `CAP_${name}`)
  return {
    ociVersion: "1.0.2",
    root: { path: "rootfs" },
    process: {
      args,
      cwd: "/",
      env: [`PATH=${cleanEnvironment.PATH}`],
      user: { uid: 0, gid: 0 },
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities }
    },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs" },
      bound("/usr"),
      ...mounts
    ],
    linux: { namespaces: namespaces.map((type) => ({ type })) }
  }
}

const bound = (path: string): Mount => ({ destination: path, type: "bind", source: path, options: ["bind", "ro"] })

interface Node {
  readonly through: ReadonlyArray<string>
}

const begin = Effect.fnUntraced(function* ({ through }: Node, shape: Shape) {
  const { directory } = yield* CniNode
  const id = `e2e-${newContainerId().slice(0, 12)}`
  const bundle = `${directory}/${id}`
  mkdirSync(`${bundle}/rootfs`, { recursive: true })
  for (const name of ["lib", "lib64", "bin"]) symlinkSync(`usr/${name}`, `${bundle}/rootfs/${name}`)
  writeFileSync(`${bundle}/config.json`, JSON.stringify(specification(shape)))
  // Its root directory is a mount of the node, as those of containerd.
  yield* succeed("nsenter", [...through.slice(1), "mount", "--bind", `${bundle}/rootfs`, `${bundle}/rootfs`])
  const runc = (...words: ReadonlyArray<string>) => [...through.slice(1), "runc", "--root", `${bundle}/state`, ...words]
  const running = yield* start("nsenter", runc("run", "--bundle", bundle, id))
  yield* Effect.addFinalizer(() => Effect.ignore(run("nsenter", runc("delete", "--force", id))))
  return {
    running,
    command: (verb: string, ...words: ReadonlyArray<string>) => ["nsenter", ...runc(verb, id, ...words)]
  }
})

const runOf = ([program = "", ...args]: ReadonlyArray<string>) => run(program, args)

/** Runs the executable until the scope ends. */
export const container = Effect.fn("NodeContainer.container")(function* (node: Node, args: ReadonlyArray<string>) {
  const { command, running } = yield* begin(node, {
    args: [executable, ...args],
    // At its path on the node.
    mounts: [bound(dirname(executable))],
    namespaces: ["mount", "network", "ipc"]
  })
  return {
    running,
    /** As a probe runs it. */
    exec: (...words: ReadonlyArray<string>) => runOf(command("exec", executable, ...words)),
    signal: (signal: string) => runOf(command("kill", signal))
  }
})

/**
 * A container as that of thick Multus: with the node's network and processes, and its root directory at `/hostroot`.
 * Returns the command line before a plugin that its daemon starts: the plugin's root directory is `/hostroot`.
 */
export const thickContainer = Effect.fn("NodeContainer.thick")(function* (node: Node) {
  const { command } = yield* begin(node, {
    args: ["sleep", "infinity"],
    mounts: [{ destination: "/hostroot", type: "bind", source: "/", options: ["rbind", "rslave"] }],
    namespaces: ["mount", "ipc"]
  })
  const runs = /"pid": (\d+)[\s\S]*"running"/
  const { stdout } = yield* until("a container that runs", runOf(command("state")), ({ stdout }) => runs.test(stdout))
  const [, pid] = runs.exec(stdout) ?? []
  return [
    ...[...node.through, "nsenter", `--target=${pid}`, "--mount", "--root", "--"],
    // The shell stays, as the daemon does.
    ...["sh", "-c", 'chroot /hostroot "$@"; exit $?', "sh"]
  ]
})
