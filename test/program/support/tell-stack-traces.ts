/** Loaded before the program: at its end it prints how many frames an error has then. */
import { writeSync } from "node:fs"

process.on("exit", () => void writeSync(2, `stackTraceLimit=${Error.stackTraceLimit}\n`))
