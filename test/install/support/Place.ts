/** A node's directories and a service account as kubelet mounts it: files that are links through `..data`. */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

export const node = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "install-"))),
    (root) => Effect.sync(() => Fs.rmSync(root, { recursive: true, force: true }))
  ),
  (root) => {
    const [bin, net, account] = [join(root, "bin"), join(root, "net.d"), join(root, "account")]
    for (const directory of [bin, net, account]) Fs.mkdirSync(directory)
    const executable = join(root, "executable")
    Fs.writeFileSync(executable, "#!/bin/sh\nexit 0\n", { mode: 0o600 })
    const ca = Fs.readFileSync(join(import.meta.dirname, "../../kubernetes/fixtures/ca.crt"), "utf8")
    let mounts = 0
    /** A new directory, to which the link is then moved. */
    const mount = (token: string) => {
      const data = `..${mounts++}`
      Fs.mkdirSync(join(account, data))
      Fs.writeFileSync(join(account, data, "token"), token)
      Fs.writeFileSync(join(account, data, "ca.crt"), ca)
      Fs.symlinkSync(data, join(account, "..data_tmp"))
      Fs.renameSync(join(account, "..data_tmp"), join(account, "..data"))
    }
    mount("token-1\n")
    for (const name of ["token", "ca.crt"]) Fs.symlinkSync(`..data/${name}`, join(account, name))
    const variables: Readonly<Record<string, string>> = {
      KUBERNETES_SERVICE_HOST: "10.96.0.1",
      KUBERNETES_SERVICE_PORT: "443"
    }
    return { bin, net, account, executable, ca, mount, variables, kubeconfig: join(net, "userspace.kubeconfig") }
  }
)

export type SocketPaths = Effect.Success<typeof node>
