/**
 * Removes the words that make Multus treat a failed DEL as final, even with `retryDeleteOnError` (seen in 4.2). The
 * plugin's failed DELs must always be repeated, whoever wrote the message: an IPAM plugin, a file system, bun.
 */
import { CniError } from "../cni/spec/CniError.ts"

const words = /no such file or directory/gi

const told = (text: string): string => text.replace(words, "it does not exist")

export const toBeRetried = (error: CniError): CniError =>
  new CniError({ code: error.code, msg: told(error.msg), details: told(error.details) })
