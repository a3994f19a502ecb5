/** The format of the records that this release writes; `Record.ts` has the schema. */
export const recordFormat = 1
