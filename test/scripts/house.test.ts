/**
 * The rules of `scripts/house.ts`: each finds an invented violation and says what to do, and the house keeps all of
 * them.
 */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Floor, floors, roomOf } from "../../scripts/house/Floors.ts"
import { filesOf, type Import, importsIn, importsOf, laterOf, linesOf, valuesOf } from "../../scripts/house/Imports.ts"
import { broken, circles, circlesOfFolders, crowded, homeless, mostFiles, upward } from "../../scripts/house/Rules.ts"
import { mostOnWay, offWay, way } from "../../scripts/house/Way.ts"

const src = join(import.meta.dirname, "../../src")

const house: ReadonlyArray<Floor> = [
  [{ name: "app", what: "" }],
  [{ name: "attachment/verbs", what: "" }],
  [{ name: "attachment", what: "" }],
  [
    { name: "ovs", what: "" },
    { name: "vpp", what: "" }
  ],
  [{ name: "cni", what: "", alone: true }],
  [{ name: "platform", what: "" }]
]

const arrow = (from: string, to: string): Import => ({ from, to })

describe("imports", () => {
  it("are found in any form: values, types, modules to be loaded later, what package.json maps", () => {
    const text = [
      'import * as A from "../cni/A.ts"',
      'import type { B } from "./B.ts"',
      'export { C } from "../../C.ts"',
      'const later = () => import("../ovs/D.ts")',
      "import {",
      "  e",
      '} from "./ports/E.ts"',
      'import { sha256 } from "#sha256"',
      'import * as Effect from "effect/Effect"',
      'const words = "an import of ./F.ts"'
    ]
    assert.deepStrictEqual(
      importsIn("vpp/client/X.ts", text.join("\n")).map(({ to }) => to),
      ["vpp/cni/A.ts", "vpp/client/B.ts", "C.ts", "vpp/ovs/D.ts", "vpp/client/ports/E.ts", "platform/text/Sha256.ts"]
    )
  })
})

describe("a room", () => {
  it("is the one with the longest matching name", () => {
    assert.strictEqual(roomOf("attachment/verbs/Add.ts", house)?.room.name, "attachment/verbs")
    assert.strictEqual(roomOf("attachment/verbsOf.ts", house)?.room.name, "attachment")
    assert.isUndefined(roomOf("vppish/A.ts", house))
  })

  it("a file on no floor is reported once, with the file that lists the floors", () => {
    const [line, ...more] = homeless(["ovs/A.ts", "agent/A.ts", "agent/deep/B.ts"], house)
    assert.deepStrictEqual(more, [])
    assert.match(line ?? "", /^src\/agent is on no floor\. Put it .*scripts\/house\/Floors\.ts/)
  })

  it("may import from below, and from itself", () => {
    const fine = [
      arrow("app/A.ts", "platform/B.ts"),
      arrow("attachment/verbs/A.ts", "attachment/B.ts"),
      arrow("ovs/client/A.ts", "ovs/wire/B.ts"),
      arrow("cni/network/A.ts", "cni/types/B.ts")
    ]
    assert.deepStrictEqual(upward(fine, house), [])
  })

  it.each([
    ["above", "ovs/A.ts", "attachment/B.ts", /src\/ovs\/A\.ts imports src\/attachment\/B\.ts: attachment is above ovs/],
    [
      "above, though its name is longer",
      "attachment/A.ts",
      "attachment/verbs/B.ts",
      /attachment\/verbs is above attachment/
    ],
    ["beside", "ovs/A.ts", "vpp/B.ts", /vpp is beside ovs/]
  ])("may not import from %s", (_, from, to, expected) => {
    const [line = "", ...more] = upward([arrow(from, to)], house)
    assert.deepStrictEqual(more, [])
    assert.match(line, expected)
    assert.match(line, /Move what both need to a room below them/)
  })

  it("that stands alone imports not even from below", () => {
    const [line = ""] = upward([arrow("cni/A.ts", "platform/B.ts")], house)
    assert.match(line, /cni imports nothing of ours but itself\. Hand it what it needs/)
  })
})

describe("folders", () => {
  it("in a circle are reported once, with the imports of a shortest way round", () => {
    const imports = [
      arrow("a/A.ts", "a/b/B.ts"),
      arrow("a/b/B.ts", "a/c/C.ts"),
      arrow("a/c/C.ts", "a/b/Other.ts"),
      arrow("a/c/C.ts", "d/D.ts")
    ]
    const [line = "", ...more] = circles(imports)
    assert.deepStrictEqual(more, [])
    assert.include(line, "src/a/b, src/a/c import each other in a circle")
    assert.include(line, "src/a/b/B.ts imports src/a/c/C.ts; src/a/c/C.ts imports src/a/b/Other.ts")
    assert.include(line, "Move what both need to a folder below")
  })

  it("without a circle are not reported", () => {
    assert.deepStrictEqual(
      circles([arrow("a/A.ts", "a/b/B.ts"), arrow("a/A.ts", "c/C.ts"), arrow("a/b/B.ts", "c/C.ts")]),
      []
    )
  })

  it("have at most a dozen files beside their sub-folders", () => {
    const full = Array.from({ length: mostFiles }, (_, n) => `a/F${n}.ts`)
    assert.deepStrictEqual(crowded([...full, "a/b/G.ts"]), [])
    const [line = ""] = crowded([...full, "a/One.ts"])
    assert.match(line, /^src\/a has 13 files beside its sub-folders, and at most 12 .* Group them/)
  })
})

describe("top-level folders", () => {
  it("may not import each other, though no pair of their rooms does", () => {
    const [line = "", ...more] = circlesOfFolders([
      arrow("attachment/verbs/Del.ts", "legacy/LegacyDel.ts"),
      arrow("legacy/LegacyDel.ts", "attachment/Call.ts")
    ])
    assert.deepStrictEqual(more, [])
    assert.include(line, "src/attachment, src/legacy import each other in a circle")
  })

  it("may import one another's rooms in one direction, and their own in any", () => {
    const fine = [
      arrow("attachment/verbs/Del.ts", "legacy/LegacyDel.ts"),
      arrow("attachment/node/Gc.ts", "attachment/Call.ts"),
      arrow("main.ts", "app/CniProcess.ts")
    ]
    assert.deepStrictEqual(circlesOfFolders(fine), [])
  })
})

describe("the way of an ADD", () => {
  const values = valuesOf(src)
  const later = laterOf(src)
  const lines = linesOf(src)

  it("is kept", () => {
    assert.isAbove(values.length, 500)
    assert.deepStrictEqual(offWay(values, later, lines), [])
  })

  it("may not be longer than a reader can take in", () => {
    const [line = "", ...more] = offWay(values, later, (file) => lines(file) + mostOnWay.lines)
    assert.deepStrictEqual(more, [])
    assert.match(line, new RegExp(`has ${way.length} files and \\d+ lines, and at most 12 and 1400 are allowed`))
  })

  it("may not enter a file twice", () => {
    const again = [...values, arrow("app/CniCall.ts", "cni/network/HostPorts.ts")]
    const [line = "", ...more] = offWay(again, later, lines)
    assert.deepStrictEqual(more, [])
    assert.include(line, "src/cni/network/HostPorts.ts is entered 2 times on the way of an ADD")
    assert.include(line, "(cni/network/Configuration.ts, app/CniCall.ts)")
  })

  it("may not lead through a file that it does not name, unless that is loaded when it is needed", () => {
    const other = arrow("app/CniCall.ts", "attachment/verbs/Del.ts")
    assert.deepStrictEqual(offWay(values, [...later, other], lines), [])
    const [line = "", ...more] = offWay([...values, other], later, lines)
    assert.deepStrictEqual(more, [])
    assert.include(
      line,
      "src/app/CniCall.ts leads the way of an ADD through src/attachment/verbs/Del.ts, which is not in"
    )
  })
})

it("the house keeps its rules", () => {
  const imports = importsOf(src)
  assert.isAbove(imports.length, 1000)
  assert.deepStrictEqual(broken(filesOf(src), imports, floors), [])
})
