/**
 * Whether a caller in another mount namespace means the same files. The tables are those of a node, of a plugin that thick
 * Multus 4.2 started (its daemon's container by containerd 1.7 and runc), and of the daemon.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { differsAt, type Tables } from "../../src/agent/Acceptance.ts"

const table = (name: string) => readFileSync(`${import.meta.dirname}/fixtures/thick-multus/${name}.mountinfo`, "utf8")
const thick: Tables = { ours: table("node"), theirs: table("plugin"), parents: table("daemon") }

const without = (text: string, point: string) => {
  const lines = text.split("\n")
  const left = lines.filter((line) => line.split(" ")[4] !== point)
  assert.notStrictEqual(left.length, lines.length, point)
  return left.join("\n")
}
const mount = (point: string, source = "0:99 /") => `\n900 43 ${source} ${point} rw,relatime - tmpfs tmpfs rw\n`

describe("mounts of a caller in another mount namespace", () => {
  it("of thick Multus are the node's, but for those below its own container's root directory", () => {
    assert.isUndefined(differsAt(thick))
    assert.isAbove(thick.theirs.split("\n").length, thick.ours.split("\n").length)
  })

  it("differ where the caller lacks one of the node's, has another one in its place, or another one besides", () => {
    assert.strictEqual(differsAt({ ...thick, theirs: without(thick.theirs, "/var/log") }), "/var/log")
    const other = without(thick.theirs, "/run") + mount("/run")
    assert.strictEqual(differsAt({ ...thick, theirs: other }), "/run")
    assert.strictEqual(differsAt({ ...thick, theirs: thick.theirs + mount("/run/openvswitch") }), "/run/openvswitch")
    const readOnly = thick.theirs.replace(" / /etc rw,", " / /etc ro,")
    assert.notStrictEqual(readOnly, thick.theirs)
    assert.strictEqual(differsAt({ ...thick, theirs: readOnly }), "/etc")
  })

  const [container = ""] = /\/run\/containerd\/\S+\/97d711b42eba\w+\/rootfs/.exec(thick.ours) ?? []

  it("differ where they are below the root directory of another container", () => {
    const [another = ""] = /\/run\/containerd\/\S+\/fe825992f463\w+\/rootfs/.exec(thick.ours) ?? []
    assert.isUndefined(differsAt({ ...thick, theirs: thick.theirs + mount(`${container}/mnt`) }))
    for (const point of [`${another}/mnt`, `${container}-other`, container]) {
      assert.strictEqual(differsAt({ ...thick, theirs: thick.theirs + mount(point) }), point)
    }
  })

  it("differ if the process that started the caller has the node's root directory", () => {
    assert.include(differsAt({ ...thick, parents: thick.ours }), container)
    const more = thick.ours + mount("/run/openvswitch")
    assert.strictEqual(differsAt({ ours: thick.ours, theirs: more, parents: thick.ours }), "/run/openvswitch")
  })
})
