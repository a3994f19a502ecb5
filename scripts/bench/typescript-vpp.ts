/** The VPP of the tests as a separate process, until it is killed. Argument: path of its API socket. */
import { VppServer } from "../../test/vpp/server/VppServer.ts"

const [, , path = ""] = process.argv
await new VppServer({ path }).start()
