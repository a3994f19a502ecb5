/** The executable's sockets are bun's, and exist nowhere else. */
import { runUnderBun } from "../../suites/Run.ts"
import { socketsConnect } from "../../suites/SocketsConnectSuite.ts"
import { sockets } from "../../suites/SocketsSuite.ts"

runUnderBun("platform/support/bun-sockets.ts", [sockets, socketsConnect])
