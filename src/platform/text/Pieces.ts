/**
 * Pieces of an incomplete text or message. Small pieces are joined as they come, with O(n log n) copying in total, so
 * that a peer that sends single bytes costs neither a long list nor quadratic copying. Pure.
 */

/** Larger pieces are joined once, at the end, which is cheaper. */
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
