/**
 * The process: a CNI verb when CNI_COMMAND is set, else the command line. Only chooses; each way is loaded when it is
 * taken, because a node starts this program for every pod (docs/performance.md).
 */
const command = process.env["CNI_COMMAND"]

// Effect takes a stack trace for every function with a name, and nobody reads them: `program/Trace.ts` turns them on again.
if (command !== undefined) Error.stackTraceLimit = 0

const chosen =
  command === "VERSION"
    ? import("./app/VersionProcess.ts")
    : command === undefined
      ? import("./cli/Main.ts")
      : import("./app/CniProcess.ts")

void chosen.then(({ run }) => run())
