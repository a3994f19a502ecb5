/**
 * host-local's addresses on this node: how many are left, and which belong to unknown containers. Other IPAM plugins
 * store theirs elsewhere. A file has the container's ID and the interface's name
 * (plugins/ipam/host-local/backend/disk).
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { Files, orElse } from "../../platform/Files.ts"
import { listOf, objectOf, parsed } from "../../platform/text/Json.ts"
import { found, type Judged, together, unknown, unseen, well } from "./findings/Finding.ts"

interface Leases {
  readonly network: string
  readonly directory: string
  /** Number of addresses in the ranges; undefined: too many to count, or not determined by the configuration. */
  readonly size: number | undefined
  readonly leases: ReadonlyArray<{ readonly address: string; readonly containerId: string }>
}

const defaultDirectory = "/var/lib/cni/networks"

/** Undefined: the network has another IPAM plugin, or none. */
export const asked = (configuration: string): Pick<Leases, "network" | "directory" | "size"> | undefined => {
  const { ipam, name } = objectOf(parsed(configuration))
  const { dataDir, ranges, subnet, type, ...range } = objectOf(ipam)
  if (type !== "host-local" || !Predicate.isString(name)) return undefined
  const sets = [...listOf(ranges).map(listOf), ...(Predicate.isString(subnet) ? [[{ subnet, ...range }]] : [])]
  const sizes = sets.map((set) => set.map((one) => sizeOf(objectOf(one))).reduce(sum, 0))
  return {
    network: name,
    directory: join(Predicate.isString(dataDir) && dataDir !== "" ? dataDir : defaultDirectory, name),
    // An ADD takes an address of each set, so the smallest is used up first. With several sets, the files belong to any
    // of them.
    size: sizes.length === 1 ? sizes[0] : undefined
  }
}

const sum = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : one + other

/** The size of an IPv4 range without network, broadcast and gateway. */
const sizeOf = ({ gateway, rangeEnd, rangeStart, subnet }: ReturnType<typeof objectOf>): number | undefined => {
  const [, address = "", bits = ""] = /^([\d.]+)\/(\d+)$/.exec(String(subnet)) ?? []
  const net = numberOf(address)
  if (net === undefined) return undefined
  const last = Math.floor(net / 2 ** (32 - Number(bits))) * 2 ** (32 - Number(bits)) + 2 ** (32 - Number(bits)) - 1
  const first = last - 2 ** (32 - Number(bits)) + 1
  const from = numberOf(rangeStart) ?? first + 1
  const to = numberOf(rangeEnd) ?? last - 1
  const own = numberOf(gateway) ?? first + 1
  return to - from + 1 - (own >= from && own <= to ? 1 : 0)
}

const numberOf = (address: unknown): number | undefined => {
  const parts = Predicate.isString(address) ? address.split(".").map(Number) : []
  return parts.length === 4 && parts.every((part) => part >= 0 && part < 256)
    ? parts.reduce((total, part) => total * 256 + part, 0)
    : undefined
}

export const look = Effect.fnUntraced(function* (wanted: Pick<Leases, "network" | "directory" | "size">) {
  const files = yield* Files
  const names = yield* orElse("ENOENT", [])(files.list(wanted.directory))
  const leases = yield* Effect.forEach(
    names.filter((name) => /^[0-9a-f.:]+$/i.test(name)),
    (address) =>
      Effect.map(
        Effect.orElseSucceed(files.read(join(wanted.directory, address), 4096), () => ""),
        (text) => ({ address, containerId: (text.split("\n")[0] ?? "").trim() })
      )
  )
  const seen: Leases = { ...wanted, leases }
  return seen
})

/** `known`: the containers with a record, or a port with the plugin's mark. Undefined: that could not be inspected. */
export const judge = (
  seen: Leases | { readonly network: string; readonly failed: string },
  known: ReadonlySet<string> | undefined
): Judged => {
  const link = `addresses of ${seen.network}`
  if ("failed" in seen) return unseen(link, seen.failed)
  const { directory, leases, size } = seen
  const words = `${leases.length} of ${size ?? "?"} are given away`
  const left = leases.filter(({ containerId }) => containerId !== "" && known?.has(containerId) === false)
  return together([
    size === undefined
      ? unknown(link, `${leases.length} are given away`)
      : leases.length >= size
        ? found(link, "addresses-used-up", words)
        : well(link, words),
    ...left.map(({ address, containerId }) =>
      found(link, "lease-left-over", `${address} is kept for container ${containerId}`, {
        container: containerId,
        path: join(directory, address)
      })
    )
  ])
}
