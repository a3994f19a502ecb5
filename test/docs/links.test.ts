/** Every relative link of the pages leads to an existing file and heading. */
import { existsSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { anchors, localLinks, pages, read, root } from "./support/Markdown.ts"

describe("links", () => {
  for (const page of pages) {
    it(`of ${page} lead to files and headings that exist`, () => {
      const broken = localLinks(read(page)).filter((link) => {
        const [path = "", anchor] = link.split("#")
        const target = path === "" ? page : normalize(join(dirname(page), path))
        if (target.startsWith("..") || !existsSync(join(root, target))) return true
        return anchor !== undefined && !anchors(read(target)).has(anchor)
      })
      assert.deepStrictEqual(broken, [])
    })
  }

  it("and names of files in our own folders name files that exist", () => {
    const named = /`((?:src|scripts|test)\/[\w./-]+\.(?:ts|sh|json))`/g
    const missing = pages.flatMap((page) =>
      [...read(page).matchAll(named)].flatMap(([, path = ""]) =>
        existsSync(join(root, path)) ? [] : [`${page}: ${path}`]
      )
    )
    assert.deepStrictEqual(missing, [])
    assert.isTrue([...read("docs/architecture.md").matchAll(named)].length > 10)
  })

  it("are found at all", () => {
    assert.deepStrictEqual(localLinks('[a](b.md) ![c](d.svg) <img src="e.svg"> [f](https://g.h) `[i](j)`'), [
      "b.md",
      "d.svg",
      "e.svg"
    ])
    assert.isTrue(anchors("# One\n\n## Who owns what, and why?\n").has("who-owns-what-and-why"))
  })

  it("lead from the README to the index, and from there to every page", () => {
    const linked = new Set(localLinks(read("docs/README.md")).map((link) => link.split("#")[0]))
    assert.include(localLinks(read("README.md")), "docs/README.md")
    assert.deepStrictEqual(
      pages.flatMap((page) => /^docs\/(.*)/.exec(page)?.slice(1) ?? []).filter((page) => !linked.has(page)),
      ["README.md"]
    )
  })
})
