/** The process of a verb as a runtime starts it, on a node in memory, so that its log can be read. */
import { run } from "../../../src/app/CniProcess.ts"
import { make } from "../../dry-run/support/MemoryNode.ts"

run(make().edges)
