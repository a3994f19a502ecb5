/** The `startup.conf` of `examples/vpp`: VPP listens where the plugin and the container's end connect. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { run } from "../container/support/Command.ts"
import { accept } from "../docs/support/Accept.ts"
import { read } from "../docs/support/Markdown.ts"
import { networkNamed } from "../kubernetes/support/ExamplePods.ts"

/** Maps `section.key` to its value; one setting for each line. */
const settings = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  let section = ""
  for (const line of text.split("\n").map((line) => line.replace(/#.*/, "").trim())) {
    const [, opened] = /^(\S+) \{$/.exec(line) ?? []
    const [, plugin, state] = /^plugin (\S+) \{ (\w+) \}$/.exec(line) ?? []
    const [, key, value = ""] = /^([a-z-]+)(?: (\S+))?$/.exec(line) ?? []
    if (opened !== undefined) section = opened
    else if (line === "}") section = ""
    else if (plugin !== undefined) found.set(`${section}.${plugin}`, state ?? "")
    else if (key !== undefined) found.set(`${section}.${key}`, value)
    else assert.strictEqual(line, "", "neither a section nor a setting")
  }
  return found
}

const host = settings(read("examples/vpp/host.conf"))
const pod = settings(read("examples/vpp/pod.conf"))

describe("startup.conf", () => {
  it("of the node has the API where a network without host.socket expects it", () => {
    const { port } = Result.getOrThrow(accept(networkNamed("userspace-vpp")))
    assert.strictEqual(host.get("socksvr.socket-name"), port.control)
  })

  it("of the node loads the plugins of both kinds of ports, and takes no network card", () => {
    assert.strictEqual(host.get("plugins.memif_plugin.so"), "enable")
    assert.strictEqual(host.get("plugins.vhost_plugin.so"), "enable")
    assert.strictEqual(host.get("plugins.dpdk_plugin.so"), "disable")
  })

  it.effect("of a pod has the API where `container vpp` expects it, and only what a memif needs", () =>
    Effect.gen(function* () {
      const { out } = yield* run(["vpp", "--help"])
      assert.include(out, `default: ${pod.get("socksvr.socket-name")})`)
      const plugins = [...pod].filter(([key]) => key.startsWith("plugins."))
      assert.deepStrictEqual(plugins, [
        ["plugins.default", "disable"],
        ["plugins.memif_plugin.so", "enable"],
        ["plugins.ping_plugin.so", "enable"]
      ])
    })
  )

  it("of both has vppctl's socket at its default, and stays in the foreground", () => {
    for (const conf of [host, pod]) {
      assert.strictEqual(conf.get("unix.cli-listen"), "/run/vpp/cli.sock")
      assert.strictEqual(conf.get("unix.nodaemon"), "")
    }
  })
})
