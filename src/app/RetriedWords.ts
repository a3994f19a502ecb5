/**
 * The words by which Multus takes a failed DEL for one that need not be repeated: `retryDeleteOnError` does not help when
 * they are in its error (seen in 4.2). Ours always wants to be repeated, whoever has said them: an IPAM
 * plugin, a file system, Bun.
 */
import { CniError } from "../cni/spec/CniError.ts"

const words = /no such file or directory/gi

const told = (text: string): string => text.replace(words, "it does not exist")

export const toBeRetried = (error: CniError): CniError =>
  new CniError({ code: error.code, msg: told(error.msg), details: told(error.details) })
