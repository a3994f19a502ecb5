/**
 * The supported versions of the CNI specification, and the version of each verb: the table for the dispatcher, VERSION
 * and the tests. CNI specification 1.1.0, section 2.
 */
export const supportedVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const

export type CniVersion = (typeof supportedVersions)[number]

export const newestVersion: CniVersion = "1.1.0"

/** The version of a configuration without `cniVersion`, as in libcni. */
export const assumedVersion: CniVersion = "0.1.0"

export const isSupported = (version: string): version is CniVersion =>
  supportedVersions.some((supported) => supported === version)

export const atLeast = (version: CniVersion, minimum: CniVersion): boolean =>
  supportedVersions.indexOf(version) >= supportedVersions.indexOf(minimum)

export const verbs = {
  ADD: { since: "0.1.0", requires: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] },
  DEL: { since: "0.1.0", requires: ["CNI_CONTAINERID", "CNI_IFNAME"] },
  CHECK: { since: "0.4.0", requires: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] },
  GC: { since: "1.1.0", requires: ["CNI_PATH"] },
  STATUS: { since: "1.1.0", requires: [] },
  VERSION: { since: "0.1.0", requires: [] }
} as const satisfies Record<string, { readonly since: CniVersion; readonly requires: ReadonlyArray<string> }>

export type Verb = keyof typeof verbs

/** Verbs for one attachment. */
export type AttachmentVerb = "ADD" | "DEL" | "CHECK"

/** Verbs for a whole network. */
export type NetworkVerb = "GC" | "STATUS"

export const isVerb = (command: string): command is Verb => Object.hasOwn(verbs, command)
