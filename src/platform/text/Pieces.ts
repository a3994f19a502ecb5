/**
 * Pieces of a text or message that is not whole yet. Small ones are joined as they come, the smaller half of them as
 * often as the length doubles: whoever sends a byte at a time costs neither a list of millions nor its copies. Pure.
 */

/** Larger ones stay as they are: joining them once, at the end, is cheaper. */
const small = 1 << 16

export const append = (pieces: ReadonlyArray<Uint8Array>, piece: Uint8Array): ReadonlyArray<Uint8Array> => {
  let last = piece
  let end = pieces.length
  for (let before = pieces[end - 1]; before !== undefined; before = pieces[end - 1]) {
    if (before.length > last.length || last.length >= small) break
    last = Buffer.concat([before, last])
    end--
  }
  return [...pieces.slice(0, end), last]
}
