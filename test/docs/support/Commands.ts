/** The commands in the shell blocks of a page, in words, without comments, loops and what follows a pipe. */
import { blocks } from "./Markdown.ts"

export const commands = (page: string): ReadonlyArray<ReadonlyArray<string>> =>
  blocks(page)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").replace(/\s+\|.*$/, ""))
    .filter((line) => line !== "" && !line.startsWith("for "))
    .map((line) =>
      [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? "")
    )
