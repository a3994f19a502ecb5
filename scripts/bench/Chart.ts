/** The chart of the time of an ADD beside the public programs, for README and `docs/benchmarks.md`. */
import { type Chapter, median } from "./Figures.ts"

/** Of the bars, with their totals. */
const room = 570
const line = 26
/** Of a letter of 12 pixels, on average and generously. */
const letter = 6.4
const colours = [
  ...["#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948"],
  ...["#b07aa1", "#9c755f", "#ff9da7", "#86bcb6", "#8c564b", "#d4a6c8"]
]

interface Bar {
  readonly name: string
  readonly parts: ReadonlyArray<readonly [name: string, millis: number]>
}

/** Parts that overlap others are drawn within them. */
const overlapping = /beside$|^calls to VPP$|^all of it$/

const bars = ({ beside, times, title }: Chapter): ReadonlyArray<Bar> => {
  const parts = [...times].filter(([name]) => !overlapping.test(name)).map(([name, of]) => [name, median(of)] as const)
  const rest = median(times.get("all of it") ?? []) - parts.reduce((sum, [, millis]) => sum + millis, 0)
  return [
    {
      name: called(title),
      parts: [...parts, ["other", Math.max(0, rest)]]
    },
    ...beside.map(([name, millis]) => ({ name, parts: [[name, millis] as const] }))
  ]
}

const called = (title: string) => (title.startsWith("Through ") ? `ADD t${title.slice(1)}` : `ADD, ${title}`)

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

export const chart = (chapters: ReadonlyArray<Chapter>): string => {
  const all = chapters.flatMap(bars)
  const names = [
    ...new Set(all.filter(({ parts }) => parts.length > 1).flatMap(({ parts }) => parts.map(([name]) => name)))
  ]
  const colour = (name: string) => colours[names.indexOf(name) % colours.length] ?? "#888888"
  const longest = Math.max(...all.map(({ parts }) => parts.reduce((sum, [, millis]) => sum + millis, 0)))
  const left = Math.ceil(Math.max(...all.map(({ name }) => name.length)) * letter) + 16
  const width = left + room
  const scale = (room - 70) / longest
  const legendTop = 46 + all.length * line
  const height = legendTop + 22 * Math.ceil(names.length / 4) + 16
  const rows = all.map(({ name, parts }, index) => {
    const top = 36 + index * line
    let at = left
    const boxes = parts.map(([part, millis]) => {
      const box = `<rect x="${at.toFixed(1)}" y="${top}" width="${(millis * scale).toFixed(1)}" height="${line - 8}" fill="${parts.length > 1 ? colour(part) : "#bab0ac"}"><title>${escaped(part)} ${millis.toFixed(1)} ms</title></rect>`
      at += millis * scale
      return box
    })
    const total = parts.reduce((sum, [, millis]) => sum + millis, 0)
    return `<text x="${left - 8}" y="${top + 13}" text-anchor="end">${escaped(name)}</text>${boxes.join("")}<text x="${(at + 6).toFixed(1)}" y="${top + 13}">${total.toFixed(1)} ms</text>`
  })
  const legend = names.map((name, index) => {
    const [x, y] = [20 + (index % 4) * 180, legendTop + 22 * Math.floor(index / 4)]
    return `<rect x="${x}" y="${y}" width="12" height="12" fill="${colour(name)}"/><text x="${x + 18}" y="${y + 11}">${escaped(name)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="Time of an ADD beside its yardsticks">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    '<text x="20" y="20" font-size="14" font-weight="bold">Time of one ADD, from spawn to exit</text>',
    ...rows,
    ...legend,
    "</svg>",
    ""
  ].join("\n")
}
