import { runEach } from "../suites/Run.ts"
import { socketsConnect } from "../suites/SocketsConnectSuite.ts"
import { sockets } from "../suites/SocketsSuite.ts"
import * as NodeSockets from "./support/node/NodeSockets.ts"

runEach(NodeSockets.layer, sockets, socketsConnect)
