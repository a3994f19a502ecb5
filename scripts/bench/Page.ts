/** Writes `docs/benchmarks.md` from the results. */
import { type Chapter, median, shownValue, verdict } from "./Figures.ts"

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const chapter = ({ figures, times, title }: Chapter): string =>
  [
    `## ${title}`,
    table(
      ["What", "userspace", "against", "", "ratio or value", "at most", ""],
      figures.map((figure) => [
        figure.what,
        figure.ours,
        figure.against,
        figure.theirs,
        `${shownValue(figure)}${figure.noise === 0 ? "" : ` ± ${figure.noise.toFixed(2)}`}`,
        figure.bar === undefined ? "" : String(figure.bar),
        verdict(figure)
      ])
    ),
    "The parts of an ADD, from its log. They overlap: IPAM runs in parallel with the switch.",
    table(
      ["Part", "ms"],
      [...times].map(([part, values]) => [part, median(values).toFixed(1)])
    )
  ].join("\n\n")

export const page = (machine: ReadonlyArray<readonly [string, string]>, chapters: ReadonlyArray<Chapter>): string =>
  `${[
    "# Benchmarks",
    "`make bench` writes this page and the chart. Times are of whole processes from spawn to exit, medians, both sides in turn in the same run. [Performance](performance.md) explains the figures.",
    "![Time of an ADD beside its yardsticks](images/benchmarks.svg)",
    table(["", ""], machine),
    ...chapters.map(chapter)
  ].join("\n\n")}\n`
