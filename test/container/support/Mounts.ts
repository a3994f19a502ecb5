/**
 * Node's file system, with this process's mounts as given by the test, because the real ones depend on where it runs.
 */
import { Effect, Layer } from "effect"
import { Files } from "../../../src/platform/Files.ts"

export const filesWith = (mountinfo: string): Layer.Layer<Files> =>
  Layer.effect(
    Files,
    Effect.map(Files, (files) =>
      Files.of({
        ...files,
        read: (path, limit) => (path === "/proc/self/mountinfo" ? Effect.succeed(mountinfo) : files.read(path, limit))
      })
    )
  ).pipe(Layer.provide(Files.layer))

/** The real files, with those of one directory below another path, which is the container's. */
export const filesAt = (path: string, directory: string): Layer.Layer<Files> =>
  Layer.effect(
    Files,
    Effect.map(Files, (files) => {
      const real = (asked: string) => (asked.startsWith(path) ? `${directory}${asked.slice(path.length)}` : asked)
      return Files.of({
        ...files,
        list: (asked) => files.list(real(asked)),
        lstat: (asked) => files.lstat(real(asked)),
        read: (asked, limit) => files.read(real(asked), limit)
      })
    })
  ).pipe(Layer.provide(filesWith("")))

/** No sandbox is named: a runtime whose mounts do not show it. */
export const unnamed = filesWith("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n")

/** containerd's mounts in this sandbox. */
export const containerd = (id: string): string =>
  `812 790 0:52 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${id}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n` +
  `813 790 0:52 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${id}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/sda1 rw\n`
