/**
 * A container image built here, so that no registry is needed: busybox, and links through which the node's own `/usr`,
 * bind-mounted, provides the container's libraries and programs. The layout is that of `docker save`.
 */
import { createHash } from "node:crypto"
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { Effect } from "effect"
import { type ProgramError, succeed } from "./Program.ts"

export const reference = "docker.io/local/userspace-e2e:1"

const layOut = (root: string) =>
  Effect.sync(() => {
    for (const directory of ["bin", "usr", "run", "tmp", "etc", "proc", "sys", "dev", "vhost"]) {
      mkdirSync(`${root}/${directory}`, { recursive: true })
    }
    chmodSync(`${root}/tmp`, 0o1777)
    copyFileSync("/usr/bin/busybox", `${root}/bin/busybox`)
    for (const name of ["sh", "sleep", "cat", "ls"]) symlinkSync("busybox", `${root}/bin/${name}`)
    symlinkSync("usr/lib", `${root}/lib`)
    symlinkSync("usr/lib64", `${root}/lib64`)
  })

const describe = (directory: string) =>
  Effect.sync(() => {
    const digest = createHash("sha256")
      .update(readFileSync(`${directory}/layer.tar`))
      .digest("hex")
    const architecture = process.arch === "arm64" ? "arm64" : "amd64"
    const config = { Entrypoint: ["/bin/sleep", "1000000"], Env: ["PATH=/bin:/usr/bin"] }
    const rootfs = { type: "layers", diff_ids: [`sha256:${digest}`] }
    const history = [{ created_by: "userspace-cni end-to-end tests" }]
    writeFileSync(`${directory}/config.json`, JSON.stringify({ architecture, os: "linux", config, rootfs, history }))
    const manifest = [{ Config: "config.json", RepoTags: [reference], Layers: ["layer.tar"] }]
    writeFileSync(`${directory}/manifest.json`, JSON.stringify(manifest))
  })

/** Writes the archive into `directory`, which must exist, and returns its path. */
export const build = Effect.fn("Image.build")(function* (directory: string): Effect.fn.Return<string, ProgramError> {
  yield* layOut(`${directory}/layer`)
  yield* succeed("tar", ["-C", `${directory}/layer`, "--owner=0", "--group=0", "-cf", `${directory}/layer.tar`, "."])
  yield* describe(directory)
  const archive = `${directory}/image.tar`
  yield* succeed("tar", ["-C", directory, "-cf", archive, "manifest.json", "config.json", "layer.tar"])
  return archive
})
