/**
 * The arguments with which a DPDK application opens the interfaces: one `--vdev` for each, as words without blanks, so
 * that a shell's command substitution keeps them intact. Pure. DPDK: drivers/net/virtio (virtio_user),
 * drivers/net/memif.
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { ContainerError } from "./ContainerError.ts"
import type { Interface, MemifInterface, VhostUserInterface } from "./read/Interface.ts"

export interface DpdkOptions {
  /** Every process of the pod can read a command line: a secret is only included on request. */
  readonly secrets: "refused" | "on the command line"
}

export const vdevArguments = (
  interfaces: ReadonlyArray<Interface>,
  options: DpdkOptions
): Result.Result<ReadonlyArray<string>, ContainerError> =>
  Result.all(
    interfaces.map((one, index) => (one.kind === "memif" ? memif(one, index, options) : vhostUser(one, index)))
  )

/**
 * For testpmd in a container. The node's PCI devices, which are visible in /sys, are not the container's. A vhost-user
 * switch accepts few memory regions, and DPDK creates many when each page is a file.
 */
export const testpmdArguments = (vdevs: ReadonlyArray<string>, hugepages: boolean): ReadonlyArray<string> => [
  "--no-pci",
  hugepages ? "--single-file-segments" : "--no-huge",
  ...vdevs
]

type Value = string | number | undefined

const vdev = (driver: string, values: Readonly<Record<string, Value>>): string =>
  `--vdev=${[driver, ...Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))].join(",")}`

const vhostUser = (one: VhostUserInterface, index: number): Result.Result<string, ContainerError> =>
  Result.map(checkedWord(one, "path", one.socket), (path) =>
    vdev(`net_virtio_user${index}`, {
      path,
      mac: one.mac,
      queues: one.queues,
      packed_vq: one.packed ? 1 : undefined,
      server: one.mode === "server" ? 1 : undefined
    })
  )

const memif = (one: MemifInterface, index: number, { secrets }: DpdkOptions): Result.Result<string, ContainerError> => {
  if (one.mode !== "ethernet") {
    return Result.fail(
      refused(one, `its memif mode is ${one.mode}, and DPDK supports only ethernet`, "Use VPP, or another mode.")
    )
  }
  if (one.secret !== undefined && secrets === "refused") {
    return Result.fail(
      refused(
        one,
        "it has a secret, which DPDK takes only from its command line, where every process of the pod can read it",
        "Add --with-secrets if that is acceptable, or leave memif.secret out of the network's configuration."
      )
    )
  }
  const secret = one.secret === undefined ? undefined : Redacted.value(one.secret)
  const words = Result.all([checkedWord(one, "path", one.socket), checkedWord(one, "secret", secret ?? "none")])
  return Result.map(words, ([socket]) =>
    vdev(`net_memif${index}`, {
      role: one.role === "master" ? "server" : "client",
      id: 0,
      socket,
      "socket-abstract": one.abstract ? "yes" : "no",
      bsize: one.bufferSize,
      // As a power of two.
      rsize: one.ringSize === undefined ? undefined : Math.log2(one.ringSize),
      mac: one.mac,
      secret
    })
  )
}

/** Neither an unquoted shell word nor DPDK's value list splits it. */
const checkedWord = (one: Interface, what: "path" | "secret", text: string): Result.Result<string, ContainerError> =>
  /^[A-Za-z0-9_./:@%+-]+$/.test(text)
    ? Result.succeed(text)
    : Result.fail(
        refused(
          one,
          what === "secret"
            ? "its secret has characters that a DPDK argument cannot contain"
            : `its path ${JSON.stringify(text)} has characters that a DPDK argument cannot contain`,
          "Use letters, digits and _ . / : @ % + - only."
        )
      )

const refused = ({ name }: Interface, detail: string, cure: string) =>
  new ContainerError({ operation: `no DPDK argument for ${name}`, details: [detail], cure })
