import { Layer } from "effect"
import { https } from "../suites/HttpsSuite.ts"
import { runEach } from "../suites/Run.ts"
import { Peer } from "./support/HttpsPeer.ts"
import * as NodeHttps from "./support/node/NodeHttps.ts"

runEach(Layer.merge(NodeHttps.layer, Peer.layer), https)
