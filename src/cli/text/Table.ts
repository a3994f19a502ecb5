/** How text for people looks: styles of a terminal, and tables. Pure. */
export interface Style {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
}

export const plain: Style = { strong: (text) => text, faint: (text) => text }

/** The lines of rows whose columns are as wide as their widest cells; the first row has every column. */
export const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  )
}

export const table = (
  heads: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  strong: (text: string) => string
): string => {
  const [head = "", ...lines] = aligned([heads, ...rows])
  return [strong(head), ...lines].join("\n")
}

interface Pod {
  readonly namespace: string
  readonly name: string
}

/** A pod as `--pod` takes it. */
export const podName = (pod: Pod | null | undefined): string => (pod ? `${pod.namespace}/${pod.name}` : "-")

interface Recorded {
  readonly record: {
    readonly ifName: string
    readonly containerId: string
    readonly network: string
    readonly pod?: Pod | undefined
  }
}

export const recordHeads = ["INTERFACE", "CONTAINER", "NETWORK", "POD", "RESULT"]

export const recordCells = ({ record: { containerId, ifName, network, pod } }: Recorded): ReadonlyArray<string> => [
  ifName,
  containerId.slice(0, 12),
  network,
  podName(pod)
]

/** `3 attachments: 2 unchanged, 1 differs.` */
export const summary = <O>(
  all: ReadonlyArray<O>,
  words: ReadonlyArray<readonly [outcome: O, one: string, several?: string]>
): string => {
  const counted = words.flatMap(([outcome, one, several = one]) => {
    const count = all.filter((other) => other === outcome).length
    return count === 0 ? [] : [`${count} ${count === 1 ? one : several}`]
  })
  return `${all.length} ${all.length === 1 ? "attachment" : "attachments"}: ${counted.join(", ")}.`
}
