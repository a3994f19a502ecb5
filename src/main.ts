/**
 * The process: a CNI verb when CNI_COMMAND is set, else the command line. Only chooses; each way is loaded when it is
 * taken, because a node starts this program for every pod (docs/performance.md).
 */
const command = process.env["CNI_COMMAND"]

const chosen =
  command === "VERSION"
    ? import("./cni/VersionMain.ts")
    : command === undefined
      ? import("./cli/Main.ts")
      : import("./cni/VerbMain.ts")

void chosen.then(({ run }) => run())
