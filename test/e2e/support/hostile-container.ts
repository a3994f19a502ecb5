/**
 * A container that may write beside its directory, and does nothing else as fast as it can: every name of an attachment
 * becomes a link into the prey, the directory itself too, and a directory again. Arguments: the shared directory, the
 * beginning of the container's id, the prey, a file that ends it.
 */
import * as Fs from "node:fs"
import * as Result from "effect/Result"

const [shared = "", id = "", prey = "", end = ""] = process.argv.slice(2)
const own = `${shared}/${id}`
const names = [`${id}-net1`, `configData-${id}-net1.json`, `configData-${id}-net1.json.new`, ".userspace-cni"]

/** 1 if it succeeded. */
const quietly = (act: () => unknown): number => (Result.isSuccess(Result.try(act)) ? 1 : 0)

let acts = 0
for (let turn = 0; !Fs.existsSync(end); turn++) {
  // So that ADD can make progress in between.
  const wait = performance.now() + (turn % 7) * 0.3
  while (performance.now() < wait) {}
  if (turn % 3 === 0) {
    acts += quietly(() => Fs.renameSync(own, `${shared}/moved-${turn}`))
    acts += quietly(() => Fs.symlinkSync(prey, own))
  } else if (turn % 3 === 1) {
    if (quietly(() => Fs.readlinkSync(own)) === 1) acts += quietly(() => Fs.unlinkSync(own))
  } else {
    for (const name of names) {
      if (quietly(() => Fs.readlinkSync(own)) === 1) break
      acts += quietly(() => Fs.unlinkSync(`${own}/${name}`))
      acts += quietly(() => Fs.symlinkSync(`${prey}/${name}`, `${own}/${name}`))
    }
  }
  if (turn % 50 === 0) {
    for (const name of Fs.readdirSync(shared)) {
      if (name.startsWith("moved-")) quietly(() => Fs.rmSync(`${shared}/${name}`, { recursive: true, force: true }))
    }
  }
}
process.stdout.write(String(acts))
