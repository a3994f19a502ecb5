/** Judges a VPP. Pure. */
import type { VppView } from "../../../vswitch/View.ts"
import { found, type Judged, together, unknown, well } from "../findings/Finding.ts"

/** `used`: `memif`, `vhostuser`, from networks or records. */
export const judge = (view: VppView, used: ReadonlySet<string>): Judged => {
  const { buffers, control, lacks, unloaded, version } = view
  const link = `VPP on ${control}`
  const plugins = unloaded.map((plugin) => {
    const isUsed = used.has(plugin === "vhost" ? "vhostuser" : plugin)
    const values = { plugin: `${plugin}_plugin.so`, socket: control }
    return found(link, isUsed ? "vpp-plugin-not-loaded" : "vpp-plugin-unused", `plugin ${plugin} is not loaded`, values)
  })
  return together([
    well(link, `version ${version ?? "unknown"}`),
    ...plugins,
    ...(used.has("memif") && isBelowOverflowFix(version)
      ? [found(link, "vpp-memif-overflow", `version ${version} is below 26.06`)]
      : []),
    ...(lacks.length === 0 ? [] : [found(link, "vpp-message-missing", lacks.join("; "), { socket: control })]),
    buffersOf(buffers, control)
  ])
}

/** e36567760d6 is in no stable branch before 26.06. What does not look like a release is not judged. */
const isBelowOverflowFix = (version: string | null): boolean => {
  const [, year, month] = /^v?(\d+)\.(\d\d)/.exec(version ?? "") ?? []
  return year !== undefined && month !== undefined && Number(year) * 100 + Number(month) < 2606
}

/** One in twenty: a nearly empty pool drops in bursts. */
const scarce = 0.05

const buffersOf = (buffers: VppView["buffers"], control: string): Judged => {
  const link = `buffers of VPP on ${control}`
  if (buffers === null || buffers.length === 0) return unknown(link, "this VPP does not tell")
  const words = buffers.map(({ free, pool, total }) => `${pool}: ${free} of ${total} are free`).join(", ")
  return buffers.some(({ free, total }) => free < total * scarce)
    ? found(link, "vpp-buffers-used-up", words)
    : well(link, words)
}
