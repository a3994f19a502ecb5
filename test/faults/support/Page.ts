/** The report as one HTML page: no script, no other file. The pointer shows the result of a cell. */
import { reasons, summary, total } from "./Report.ts"
import type { Cell, Matrix, Result } from "./Results.ts"

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const style = `
:root { color-scheme: light dark; --held: #2e9e5b; --broken: #d63b3b; --idle: light-dark(#c9ccd1, #50555c);
  --line: light-dark(#e4e6e9, #33373c); --faint: light-dark(#6a7078, #9aa1a9); }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem;
  background: light-dark(#fff, #17191c); color: light-dark(#1c1f23, #e6e8ea); }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin: 2.5rem 0 .3rem } h3 { font-size: .95rem; margin: 1.2rem 0 .2rem }
.counts { display: flex; gap: 2rem; margin: 1rem 0 } .counts b { display: block; font-size: 1.7rem }
.bad b { color: var(--broken) } .note, caption { color: var(--faint); text-align: left }
table { border-collapse: collapse } thead th { font-weight: normal; vertical-align: bottom; padding: 0 0 .3rem }
thead span { writing-mode: vertical-rl; transform: rotate(180deg); font-size: 12px; color: var(--faint) }
tbody th { font: 12px/1.3 ui-monospace, monospace; text-align: left; padding: 1px .8rem 1px 0; overflow-wrap: anywhere }
td { width: 18px; height: 18px; padding: 1px } td i { display: block; height: 16px; border-radius: 3px }
tbody tr:hover { background: var(--line) }
i.held { background: var(--held) } i.broken { background: var(--broken) } i.idle { background: var(--idle) }
i.cannot { background: none; border: 1px dotted var(--idle); box-sizing: border-box }
.legend i { display: inline-block; width: 16px; vertical-align: middle; margin: 0 .3rem 0 1rem }
li { overflow-wrap: anywhere } code { font-size: 12px }
`

const classes: Readonly<Record<Cell["state"], string>> = {
  held: "held",
  broken: "broken",
  cannot: "cannot",
  "not run": "idle"
}

const cell = ({ notes, state }: Cell, column: string): string =>
  `<td><i class="${classes[state]}" title="${escaped([`${column}: ${state}`, ...notes].join("\n"))}"></i></td>`

const matrix = ({ cells, columns, steps, title }: Matrix): string => {
  const head = columns.map((column) => `<th><span>${escaped(column)}</span></th>`).join("")
  const rows = steps.map(
    (step, row) =>
      `<tr><th>${escaped(step)}</th>${(cells[row] ?? []).map((one, at) => cell(one, columns[at] ?? "")).join("")}</tr>`
  )
  return `<h3>${escaped(title)}</h3><table><thead><tr><th></th>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table>`
}

const failures = ({ matrices }: Result): ReadonlyArray<string> =>
  matrices.flatMap(({ cells, columns, steps, title }) =>
    cells.flatMap((row, at) =>
      row.flatMap(({ notes, state }, column) =>
        state === "broken"
          ? [
              `<li>${escaped(`${title}, ${columns[column]}`)}, <code>${escaped(steps[at] ?? "")}</code>: ${escaped(notes.join("; "))}</li>`
            ]
          : []
      )
    )
  )

const section = (result: Result): string =>
  `<h2>${escaped(result.name)}</h2><p class="note">${escaped(summary(result))}</p>
<ul>${failures(result).join("\n")}</ul>${result.matrices.map(matrix).join("\n")}`

const figure = (value: number, what: string, kind = ""): string => `<div class="${kind}"><b>${value}</b>${what}</div>`

export const page = (results: ReadonlyArray<Result>, when: Date, version: string): string => {
  const counts = total(results)
  const why = reasons(results.flatMap(({ matrices }) => matrices.flatMap(({ cells }) => cells.flat())))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Faults: userspace-cni ${version}</title><style>${style}</style></head><body>
<h1>What is left when something goes wrong</h1>
<p>Each row is a step of a call of the plugin, in its order; each column something that happens to it. A green cell was
run, and everything was compared: after a failure all is as before, after a kill one DEL makes it so, and a second ADD
works. userspace-cni ${escaped(version)}, ${when.toISOString().slice(0, 16).replace("T", " ")} UTC.</p>
<div class="counts">${figure(counts.held + counts.broken, "cells run")}${figure(counts.runs, "calls that went wrong")}${figure(counts.broken, "failed", counts.broken > 0 ? "bad" : "")}${figure(counts["not run"], "not run")}</div>
<ul>${why.map(([reason, cells]) => `<li>${cells} not run: ${escaped(reason)}</li>`).join("\n")}</ul>
<p class="legend note"><i class="held"></i>held<i class="broken"></i>failed<i class="idle"></i>not run<i class="cannot"></i>cannot happen to this step</p>
${results.map(section).join("\n")}
</body></html>
`
}
