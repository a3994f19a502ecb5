/** Whom a socket that the switch makes lets in: VPP's own leave out who is not root. Pure. */

export interface SocketAccess {
  /** Undefined: any, because everybody may connect. */
  readonly gid?: number
  readonly mode: number
}

export const of = (gid: number | undefined): SocketAccess =>
  gid === undefined ? { mode: 0o666 } : { mode: 0o660, gid }

export const is = (wanted: SocketAccess, { gid, mode }: SocketAccess): boolean =>
  mode === wanted.mode && (wanted.gid === undefined || gid === wanted.gid)

export const inWords = ({ gid, mode }: SocketAccess): string =>
  `mode ${mode.toString(8).padStart(4, "0")}${gid === undefined ? "" : ` of group ${gid}`}`
