/**
 * The titles in a test file, as written: of tests and groups, names of cases and fuzz targets, rows of `each`. Other
 * strings are excluded.
 */

const literal = String.raw`"((?:\\.|[^"\\\n])*)"|\x60((?:\\.|[^\x60\\])*)\x60`

const places = [
  // it.live.each(rows)("title", and the first word of a suite that a helper makes
  String.raw`(?:\b(?:it|test|describe)(?:\.\w+)*|\))\(\s*(?:${literal})`,
  String.raw`\bname: (?:${literal})`,
  // Cases by their names, and rows of `each`.
  String.raw`^\s*(?:${literal}):`,
  String.raw`\[\s*(?:${literal}),`
].map((source) => new RegExp(source, "gm"))

export const titles = (text: string): ReadonlySet<string> =>
  new Set(places.flatMap((place) => [...text.matchAll(place)].map(([, plain, template]) => plain ?? template ?? "")))
