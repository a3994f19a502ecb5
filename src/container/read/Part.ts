/**
 * One interface from one source, before merging, and the validators for all sources. Anybody with write access to the
 * shared directory may have written a source: invalid values are skipped and reported. Pure.
 */
import { resolve } from "node:path"
import * as IpInterface from "effect/net/IpInterface"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type { Address, MemifEnd, Route, VhostUserEnd } from "./Interface.ts"

export type End = (VhostUserEnd | MemifEnd) & { readonly socket: string }

export interface Part {
  /** For messages: `annotation userspace/configuration-data`. */
  readonly source: string
  readonly name: string
  readonly network: string | undefined
  readonly containerId: string | undefined
  readonly end: End | undefined
  readonly mac: string | undefined
  readonly mtu: number | undefined
  readonly addresses: ReadonlyArray<Address>
  readonly routes: ReadonlyArray<Route>
}

export interface Reading {
  readonly parts: ReadonlyArray<Part>
  readonly problems: ReadonlyArray<string>
}

export const nothing: Reading = { parts: [], problems: [] }

/** Quotes a value for a message: short, on one line, without control characters. */
export const shown = (value: unknown): string => {
  const text = (JSON.stringify(value) ?? "nothing").replaceAll(/[^\x20-\x7e]/g, "?")
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

/** Validates values one by one; an invalid one becomes undefined and a problem. */
export class Judge {
  readonly problems: Array<string> = []
  private readonly source: string

  constructor(source: string) {
    this.source = source
  }

  problem(words: string): undefined {
    this.problems.push(`${this.source}: ${words}`)
    return undefined
  }

  private matching(what: string, expected: string, pattern: RegExp) {
    return (value: string | null | undefined): string | undefined =>
      value === undefined || value === null || value === ""
        ? undefined
        : pattern.test(value)
          ? value
          : this.problem(`${what} ${shown(value)} is not ${expected}`)
  }

  readonly ifName = this.matching("ifName", "an interface name", /^[\x21-\x2e\x30-\x7e]{1,15}$/)
  readonly network = this.matching("name", "a network name", /^[\x21-\x7e]{1,253}$/)
  readonly containerId = this.matching("containerId", "a container id", /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/)
  readonly mac = this.matching("mac", "a MAC address", /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/)

  number(what: string, from: number, to: number, value: number | null | undefined): number | undefined {
    if (value === undefined || value === null || value === 0) return undefined
    return Number.isInteger(value) && value >= from && value <= to
      ? value
      : this.problem(`${what} ${shown(value)} is not ${from} to ${to}`)
  }

  powerOfTwo(what: string, from: number, to: number, value: number | null | undefined): number | undefined {
    const number = this.number(what, from, to, value)
    return number === undefined || Number.isInteger(Math.log2(number))
      ? number
      : this.problem(`${what} ${number} is not a power of two`)
  }

  choice<const C extends ReadonlyArray<string>>(
    what: string,
    choices: C,
    otherwise: C[number],
    value: string | null | undefined
  ): C[number] | undefined {
    if (value === undefined || value === null || value === "") return otherwise
    return (
      choices.find((choice) => choice === value) ??
      this.problem(`${what} ${shown(value)} is not ${choices.join(" or ")}`)
    )
  }

  address(address: string, gateway: string | undefined): ReadonlyArray<Address> {
    if (Result.isSuccess(IpInterface.fromString(address))) return [{ address, gateway: this.gateway(gateway) }]
    this.problem(`${shown(address)} is not an address`)
    return []
  }

  route(dst: string, gateway: string | undefined): ReadonlyArray<Route> {
    if (Result.isSuccess(IpInterface.fromString(dst))) return [{ dst, gateway: this.gateway(gateway) }]
    this.problem(`${shown(dst)} is not a destination`)
    return []
  }

  private gateway(text: string | undefined): string | undefined {
    if (text === undefined || text === "" || Result.isSuccess(NetAddress.ipFromString(text))) return text || undefined
    return this.problem(`gateway ${shown(text)} is not an address`)
  }
}

/** Excludes control characters, and characters that change the direction of text. */
const printable = /^[^\p{C}\p{Zl}\p{Zp}]+$/u

/** An absolute path without `..`, within the kernel's limit. */
export const absolutePath = (path: string): string | undefined =>
  path.startsWith("/") && printable.test(path) && path.length < 4096 && !path.split("/").includes("..")
    ? resolve(path)
    : undefined

/** The path of a name in the directory. Undefined: it is not a plain name; a directory in it may be a link. */
export const pathIn = (directory: string, name: string): string | undefined => {
  const path = resolve(directory, name)
  const inside = !name.includes("/") && name !== "." && name !== ".."
  return inside && printable.test(name) && path.length < 4096 ? path : undefined
}
