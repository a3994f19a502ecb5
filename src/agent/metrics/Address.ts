/** Where metrics are served over TCP, as the command line names it. Pure. */

export interface Address {
  readonly host: string
  readonly port: number
}

/** `10.0.0.5:9464`, `[fd00::5]:9464`. Undefined: it is none. */
export const addressIn = (text: string): Address | undefined => {
  const [, six, four, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? []
  const host = six ?? four
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) }
}
