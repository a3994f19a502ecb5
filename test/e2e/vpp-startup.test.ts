/**
 * Real VPPs, started with the unchanged files of `examples/vpp`, except for the path of their plugins: each has a
 * separate `/run`, `/var/log` and `/dev/shm`. Without hugepages, which a test must not reserve.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { catalogue } from "../../src/vpp/messages/Catalogue.ts"
import { until } from "../support/Until.ts"
import { executable, vppPrefixes } from "./support/Machine.ts"
import { cleanEnvironment, start, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { libraries } from "./support/VppInstance.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/vpp-`)),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const Compatible = Schema.fromJsonString(
  Schema.Struct({ messages: Schema.Array(Schema.Struct({ message: Schema.String, verdict: Schema.String })) })
)

/** VPP would reserve hugepages where it may write below `/sys`. A container may not. */
const privately =
  "mount -t tmpfs e2e /run && mount -t tmpfs e2e /var/log && mount -t tmpfs e2e /dev/shm && mkdir /run/vpp && " +
  'mount --bind /sys /sys && mount -o remount,ro,bind /sys && exec "$@"'

const vpp = Effect.fnUntraced(function* (prefix: string, path: string) {
  const place = yield* directory
  const lib = libraries(prefix)
  const conf = readFileSync(path, "utf8")
    .replace(/^plugins \{/m, `plugins {\n  path ${join(lib, "vpp_plugins")}`)
    .replace("log /tmp/", `log ${place}/`)
  writeFileSync(`${place}/startup.conf`, conf)
  const env = { ...cleanEnvironment, LD_LIBRARY_PATH: lib }
  const command = [`${prefix}/bin/vpp`, "-c", `${place}/startup.conf`]
  const running = yield* start("unshare", ["--mount", "--net", "sh", "-c", privately, "sh", ...command], {
    env,
    log: `${place}/out.log`,
    stop: "SIGTERM"
  })
  /** VPP's environment, with all defaults. */
  const within = (program: string, ...words: ReadonlyArray<string>) =>
    succeed("nsenter", ["--target", String(running.pid), "--mount", program, ...words], { env })
  const ctl = (...words: ReadonlyArray<string>) => within(`${prefix}/bin/vppctl`, ...words)
  yield* until("a VPP that answers", ctl("show", "version"), (text) => text.startsWith("vpp "))
  return { place, within, ctl }
})

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  onMachine(["root", "executable", "vpp"], Layer.empty)(`startup.conf for a real VPP ${basename(prefix)}`, (test) => {
    test("examples/vpp/host.conf: every plugin of VPP that the calls need is loaded", () =>
      Effect.gen(function* () {
        const { ctl, within } = yield* vpp(prefix, "examples/vpp/host.conf")
        const { messages } = yield* Schema.decodeUnknownEffect(Compatible)(
          yield* within(executable, "vpp-compat", "--json")
        )
        // A build of VPP may lack a plugin. Those that it has are loaded.
        for (const { message } of messages.filter(({ verdict }) => verdict === "plugin not loaded")) {
          const plugin = catalogue.find(({ name }) => name === message)?.plugin
          assert.isFalse(existsSync(join(libraries(prefix), `vpp_plugins/${plugin}_plugin.so`)), message)
        }
        assert.match(yield* ctl("show", "buffers"), /default-numa-0/)
      }))

    test("examples/vpp/pod.conf: the container's end creates its memif, and a ping passes", () =>
      Effect.gen(function* () {
        const { ctl, place, within } = yield* vpp(prefix, "examples/vpp/pod.conf")
        mkdirSync(`${place}/shared`)
        const element = {
          containerId: "c1",
          ifName: "net1",
          name: "userspace-vpp",
          config: { engine: "vpp", iftype: "memif", memif: { role: "slave", mode: "ethernet", socketfile: "m.sock" } },
          ipResult: { ips: [{ version: "4", address: "10.56.221.2/24" }] }
        }
        writeFileSync(`${place}/shared/configData-c1-net1.json`, JSON.stringify(element))
        const places = ["--dir", `${place}/shared`, "--annotations", `${place}/none`]
        assert.include(yield* within(executable, "container", "vpp", ...places), "10.56.221.2/24")
        assert.match(yield* ctl("show", "interface", "address"), /memif\S+ \(up\):\s+L3 10\.56\.221\.2\/24/)
        assert.include(yield* ctl("ping", "10.56.221.2", "repeat", "1"), "1 sent")
      }))
  })
}
