/** The `userspace` lines of the pages, as printed: the command line accepts each, on a node with such pods. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { add } from "../cli/support/Attached.ts"
import { file, type } from "../cli/support/Terminal.ts"
import { network } from "../dry-run/support/Calls.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { commands } from "./support/Commands.ts"

const pages = ["README.md", "docs/operating.md", "docs/troubleshooting.md", "docs/restarts.md"]
const verbs = ["check", "del", "gc", "list", "restore", "status"]

const lines = pages.flatMap((page) =>
  commands(readFileSync(page, "utf8")).flatMap((words) => {
    const [program = "", verb = ""] = words
    return program.endsWith("userspace") && verbs.includes(verb)
      ? [[words.join(" "), page, words.slice(1)] as const]
      : []
  })
)

/** The pods of the pages; their namespaces have names, as containerd's have. */
const populated = Effect.fnUntraced(function* () {
  const node = make()
  const pods = [
    ["0958c8871b32cafe", "web-0"],
    ["7d1c0b6a9e55cafe", "web-1"],
    ["c41f22e0d9a3cafe", "testpmd-rx"],
    // Of the calls by hand.
    ["try", "try"]
  ] as const
  for (const [id, name] of pods) {
    const netns = `/var/run/netns/${id === name ? name : `cni-${name}`}`
    node.sandboxes.add(netns)
    const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_INFRA_CONTAINER_ID=${id}`
    yield* add(node, id, { CNI_ARGS: args, CNI_NETNS: netns })
  }
  return node
})

describe("a command of the pages", () => {
  it("exists for each verb for people", () => {
    for (const verb of verbs)
      assert.isTrue(
        lines.some(([, , [first]]) => first === verb),
        verb
      )
  })

  it.effect.each(lines)("%s (%s)", ([, , words]) =>
    Effect.gen(function* () {
      const config = yield* file("net.conf", network)
      // Commands that run permanently must end here.
      const ending = words.includes("--every") ? words.slice(0, words.indexOf("--every")) : words
      const here = ending.map((word) =>
        word === "FILE" || /\.(conf|json)$/.test(word) ? config : word === "ID" ? "0958c8871b32cafe" : word
      )
      const { stderr, well } = yield* type(yield* populated(), here)
      assert.isTrue(well, stderr)
    })
  )
})
