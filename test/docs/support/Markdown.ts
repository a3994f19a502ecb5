/** The repository's pages, and what tests ask of them: fenced blocks, links, headings. */
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../..", import.meta.url))

export const read = (path: string): string => readFileSync(`${root}/${path}`, "utf8")

export const pages: ReadonlyArray<string> = globSync(["*.md", "docs/**/*.md"], { cwd: root }).toSorted()

export const examples: ReadonlyArray<string> = globSync("examples/*.{conf,conflist}", { cwd: root }).toSorted()

/** Also manifests and configurations of others. */
export const everyExample: ReadonlyArray<string> = globSync("examples/**/*.*", { cwd: root }).toSorted()

interface Block {
  readonly line: number
  readonly language: string
  readonly text: string
}

export const blocks = (page: string): ReadonlyArray<Block> =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language = "", 2: text = "" }) => ({
    line: page.slice(0, index).split("\n").length,
    language,
    text
  }))

/** Fenced blocks are not Markdown. */
const prose = (page: string) => page.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "")

/** Targets of links and images that are files of the repository, or headings of the same page. */
export const localLinks = (page: string): ReadonlyArray<string> =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)]
    .map(({ 1: markdown, 2: html }) => markdown ?? html ?? "")
    .filter((target) => !/^[a-z]+:/.test(target))

/** Anchors of headings as forges make them: lower case, blanks to hyphens, punctuation dropped. */
export const anchors = (page: string): ReadonlySet<string> =>
  new Set(
    [...page.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)].map(({ 1: heading = "" }) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-")
    )
  )

/** The rows of the table below a heading of the second level, cell by cell, without its head. */
export const rowsBelow = (path: string, heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const [, below = ""] = new RegExp(`^## ${heading}\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, "m").exec(read(path)) ?? []
  return below
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim())
    )
}
