/** The suite of `Https` on bun's layer, under bun, against the peer whose ports are the argument. */
import { Layer, Schema } from "effect"
import * as BunHttps from "../../../src/platform/bun/BunHttps.ts"
import { https } from "../../suites/HttpsSuite.ts"
import { report } from "../../suites/Report.ts"
import { Peer, Ports } from "./HttpsPeer.ts"

const ports = Schema.decodeUnknownSync(Schema.fromJsonString(Ports))(process.argv[2])

await report(Layer.merge(BunHttps.layer, Layer.succeed(Peer, ports)), https)
