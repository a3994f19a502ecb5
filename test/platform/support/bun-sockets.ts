/** The suites of `Sockets` on bun's layer, under bun. */
import * as BunSockets from "../../../src/platform/bun/BunSockets.ts"
import { report } from "../../suites/Report.ts"
import { socketsConnect } from "../../suites/SocketsConnectSuite.ts"
import { sockets } from "../../suites/SocketsSuite.ts"

await report(BunSockets.layer, sockets, socketsConnect)
