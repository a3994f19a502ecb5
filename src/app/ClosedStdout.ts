/** Whether this process was started without a standard output. Throws where /proc is not there. */
import * as Fs from "node:fs"

/** O_CLOEXEC; the same on x64 and arm64. */
const closesOnExec = 0o2000000

/**
 * Bun opens /dev/null where the caller has closed a descriptor. That one closes on exec; what was inherited does not, or it
 * would not be here.
 */
export const isStdoutClosed = (): boolean => {
  if (Fs.fstatSync(1).rdev !== Fs.statSync("/dev/null").rdev) return false
  const [, flags = "0"] = /^flags:\s*(\d+)/m.exec(Fs.readFileSync("/proc/self/fdinfo/1", "utf8")) ?? []
  return (Number.parseInt(flags, 8) & closesOnExec) !== 0
}
