/** Where metrics are served over TCP, as the command line names it. Pure. */
import { isIP } from "node:net"

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * `10.0.0.5:9464`, `[fd00::5]:9464`; `fd00::5:9464` as well, which is what a pod makes of its `$(HOST_IP):9464`. Undefined: it
 * is none.
 */
export const addressIn = (text: string): Address | undefined => {
  const [, within, bare = "", port] = /^(?:\[([^\]]+)\]|(.+)):(\d{1,5})$/.exec(text) ?? []
  const host = within ?? bare
  const isAddress = within === undefined ? isIP(host) !== 0 : isIP(host) === 6
  return isAddress && Number(port) <= 65_535 ? { host, port: Number(port) } : undefined
}
