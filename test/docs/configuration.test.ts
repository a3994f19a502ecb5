/**
 * The page about the configuration lists the meaning of a key's absence and the ports of a key. This verifies the keys
 * of the switch's end against the plugin.
 */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { keyNotes } from "../../scripts/docs/KeyNotes.ts"
import { derivedMac, plainHandle } from "../../src/identity/Attachment.ts"
import { socketPathsOf } from "../../src/shared-dir/SocketPaths.ts"
import { accept } from "./support/Accept.ts"
import { bases, type Json, made, portOf, put, served, without } from "./support/Networks.ts"

const changes = (base: Json, path: string, example: unknown): boolean =>
  JSON.stringify(made(put(base, path, example))) !== JSON.stringify(made(base))

const of = (engine: string): ReadonlyArray<Json> =>
  Object.entries(bases).flatMap(([name, base]) => (name.startsWith(engine) ? [base] : []))

/** Of every port that uses the key. */
const all = (whom: keyof typeof served, look: (base: Json) => void) => {
  for (const [name, base] of Object.entries(bases)) if (served[whom](name)) look(base)
}

const attachment = { network: "n", containerId: "c0ffee0123456789", ifName: "net1", netns: "", pod: undefined }

const required = (path: string) => {
  const refusal = String(made(without(bases["vpp memif"], path)))
  assert.match(refusal, new RegExp(path.replaceAll(".", "\\.")))
}

/** The key of `HostPort` without a value. */
const open = (path: string, name: string) =>
  all(keyNotes[path]?.for ?? "both", (base) => {
    assert.isUndefined(portOf(without(base, path))[name])
    assert.isDefined(portOf(put(base, path, keyNotes[path]?.example))[name])
  })

const bridge = (more: Json = {}) =>
  portOf({ ...bases["ovs-dpdk"], ...more, host: { engine: "ovs-dpdk", iftype: "vhostuser" } })

/** The table's texts about absent keys, and how they are verified. */
const meant: Readonly<Record<string, (path: string) => void>> = {
  required,
  "required for memif": required,
  "`true` with `host.memif.role` `slave`, else `false`": (path) =>
    all("vpp memif", (base) => {
      for (const role of ["master", "slave"]) {
        const bare = without(put(base, "host.memif.role", role), path)
        assert.deepStrictEqual(made(put(bare, path, role === "slave")), made(bare))
      }
    }),
  "derived from the attachment": (path) => {
    open(path, "mac")
    const own = derivedMac(attachment)
    assert.strictEqual(derivedMac({ ...attachment }), own)
    for (const other of [{ network: "x" }, { containerId: "x" }, { ifName: "x" }]) {
      assert.notStrictEqual(derivedMac({ ...attachment, ...other }), own)
    }
  },
  "`$OVS_RUNDIR/db.sock` or `/var/run/openvswitch/db.sock`; `/run/vpp/api.sock`": () => {
    for (const base of of("ovs-dpdk")) {
      assert.strictEqual(portOf(base)["control"], "/var/run/openvswitch/db.sock")
      assert.strictEqual(portOf(base, { OVS_RUNDIR: "/r" })["control"], "/r/db.sock")
    }
    for (const base of of("vpp")) assert.strictEqual(portOf(base, { OVS_RUNDIR: "/r" })["control"], "/run/vpp/api.sock")
  },
  "root's group; see shared-directory.md": (path) => open(path, "group"),
  "derived from container ID and interface": (path) => {
    all(keyNotes[path]?.for ?? "both", (base) => {
      const { port } = Result.getOrThrow(accept(without(base, path)))
      const { socketName } = socketPathsOf({
        attachment,
        handle: plainHandle(attachment),
        port,
        sharedDir: "/s",
        stateDir: "/t"
      })
      assert.include(["c0ffee012345-net1", "memif-c0ffee012345-net1.sock"], socketName)
    })
  },
  "what both ends agree on": (path) => open(path, "queues"),
  "`br0`, or `br-int` with an OvnPort; vpp: `bridgeId`": () => {
    assert.strictEqual(bridge()["bridge"], "br0")
    assert.strictEqual(bridge({ args: { cni: { OvnPort: "p" } } })["bridge"], "br-int")
    assert.deepInclude(portOf(bases["vpp memif, bridge"])["network"], { bridgeDomain: 4 })
  },
  none: (path) => {
    assert.include(String(made(without(bases["vpp memif, bridge"], path))), "host.bridge.bridgeName: is missing")
  },
  untagged: () => {
    assert.isUndefined(bridge()["vlan"])
    for (const name of ["vpp memif, bridge", "vpp vhostuser, bridge"] as const) {
      assert.deepStrictEqual(portOf(bases[name])["network"], { netType: "bridge", bridgeDomain: 4, vlan: undefined })
    }
  },
  // By default, Open vSwitch treats a port with a tag as an access port, and one without as a trunk.
  "access with `vlanId`, trunk without, native-untagged with `vlanId` and `trunks`": () => {
    const mode = (more: Json) => portOf(put(bases["ovs-dpdk"], "host.bridge", more))["vlanMode"]
    assert.deepStrictEqual([mode({}), mode({ trunks: [8] }), mode({ vlanId: 7 })], [undefined, undefined, undefined])
    assert.strictEqual(mode({ vlanId: 7, trunks: [8] }), "native-untagged")
  },
  "the switch's own": (path) => open(path, path.slice("host.memif.".length)),
  "no secret": (path) => open(path, "secret")
}

describe("docs/configuration.md", () => {
  for (const [path, { absent, example, for: whom }] of Object.entries(keyNotes)) {
    if (!path.startsWith("host.")) continue

    if (path !== "host.engine" && path !== "host.iftype") {
      it(`${path} has the documented effect: ${whom}`, () => {
        const changed = Object.entries(bases).flatMap(([name, base]) => (changes(base, path, example) ? [name] : []))
        assert.deepStrictEqual(
          changed.filter((name) => !served[whom](name)),
          []
        )
        // A VLAN or a bridge needs a bridge, and an MTU none: one port of each kind is enough.
        for (const engine of ["ovs-dpdk", "vpp"]) {
          const mine = Object.keys(bases).filter((name) => name.startsWith(engine) && served[whom](name))
          if (mine.length > 0) {
            assert.isTrue(
              mine.some((name) => changed.includes(name)),
              `${engine}: no change`
            )
          }
        }
      })
    }

    if ("value" in absent) {
      it(`${path} left out is ${JSON.stringify(absent.value)}`, () => {
        for (const base of Object.values(bases)) {
          const bare = without(base, path)
          assert.deepStrictEqual(made(put(bare, path, absent.value)), made(bare))
        }
      })
    } else {
      it(`${path} left out: ${absent.words}`, () => {
        const look = meant[absent.words]
        if (look === undefined) assert.fail("nobody has looked whether that is so")
        look(path)
      })
    }
  }

  it("a host is required", () => required("host"))
})
