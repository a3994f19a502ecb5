/**
 * All error codes of the plugin: `docs/errors.md` is checked against this table. 1 to 99 are the specification's (CNI
 * 1.1.0, section 5), 100 and above the plugin's own.
 */
export const ErrorCodes = {
  IncompatibleVersion: 1,
  UnsupportedField: 2,
  UnknownContainer: 3,
  BadEnvironment: 4,
  IoFailure: 5,
  DecodingFailure: 6,
  InvalidConfiguration: 7,
  OwnNetns: 8,
  TryAgainLater: 11,
  NotAvailable: 50,
  NotAvailableLimited: 51,
  SwitchRefused: 100,
  DpdkMissing: 101,
  AlreadyAttached: 102,
  SocketPath: 103,
  IpamFailed: 104,
  CheckFailed: 105,
  CleanupIncomplete: 106,
  Interrupted: 107,
  ApiServer: 108,
  Internal: 999
} as const

export type ErrorCode = (typeof ErrorCodes)[keyof typeof ErrorCodes]
