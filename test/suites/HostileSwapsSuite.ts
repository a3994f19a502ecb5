/**
 * A container, or anybody who may write beside its directory, acts between any two steps of ours: it replaces the
 * directory, a file or a socket by a link. Each method of `SharedDir` runs with that happening before its first step,
 * its second, and so on; the targets of the links have every name that we use, and stay unchanged.
 */
import * as Fs from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FileError, Files } from "../../src/platform/Files.ts"
import { Processes } from "../../src/platform/Processes.ts"
import { marker } from "../../src/shared-dir/Directories.ts"
import { SharedDir } from "../../src/shared-dir/SharedDir.ts"
import type { SocketPaths } from "../../src/shared-dir/SocketPaths.ts"
import { around, over, type SharedDirUnderTest, site, tree } from "../shared-dir/support/SharedDirSite.ts"
import { FilesSite } from "./FilesSite.ts"
import { suite } from "./Suite.ts"

const namesOf = ({ configPath, socketName }: SocketPaths) => {
  const config = configPath.slice(configPath.lastIndexOf("/") + 1)
  return [config, `${config}.new`, socketName, marker]
}

/** A half-complete attachment, and a directory of somebody else's with the same names in it. */
const scene = Effect.gen(function* () {
  const made = yield* site
  const { at, base, files, gid, sharedDir, socket } = made
  const place = at({ vhost: { mode: "server", group: String(gid) } })
  yield* files.makeDirectory(`${base}/prey`, 0o700)
  for (const name of namesOf(place)) {
    if (name === place.socketName) yield* socket(`${base}/prey/${name}`)
    else yield* files.create(`${base}/prey/${name}`, "theirs", 0o600)
  }
  yield* socket(`${base}/usp1`)
  const directories = yield* sharedDir.inspect(place)
  yield* sharedDir.prepare(place)
  const prey = Effect.map(tree, (lines) => lines.filter((line) => line.startsWith("/prey")))
  return { ...made, before: yield* prey, directories, place, prey }
})

type Scene = Effect.Success<typeof scene>
type Act = (scene: Scene) => Effect.Effect<void, never>

const quietly = <A, E>(...steps: ReadonlyArray<Effect.Effect<A, E>>) =>
  Effect.forEach(steps, (step) => Effect.ignore(step), { discard: true })

/** The actions of a container between two steps. */
const acts: Readonly<Record<string, Act>> = {
  "a link in the place of the directory": ({ base, files, place }) =>
    quietly(files.rename(place.directory, `${base}/moved`), files.symlink(`${base}/prey`, place.directory)),
  "links in the place of its names": ({ base, files, place }) =>
    Effect.forEach(
      namesOf(place),
      (name) =>
        quietly(
          files.unlink(`${place.directory}/${name}`),
          files.symlink(`${base}/prey/${name}`, `${place.directory}/${name}`)
        ),
      { discard: true }
    ),
  "hard links to one of its own files in the place of its names": ({ files, place }) =>
    Effect.andThen(
      quietly(files.create(`${place.directory}/own`, "its own", 0o600)),
      Effect.forEach(
        namesOf(place),
        (name) =>
          quietly(
            files.unlink(`${place.directory}/${name}`),
            files.link(`${place.directory}/own`, `${place.directory}/${name}`)
          ),
        { discard: true }
      )
    )
}

type Method = (sharedDir: SharedDir["Service"], scene: Scene) => Effect.Effect<unknown, unknown>

const methods: Readonly<Record<string, Method>> = {
  prepare: (sharedDir, { place }) => sharedDir.prepare(place),
  restore: (sharedDir, { place }) => sharedDir.restore(place, { gid: 0, mode: 0o755 }),
  publish: (sharedDir, { base, place }) => sharedDir.publish(place, `${base}/usp1`),
  "publish and open": (sharedDir, { base, place }) =>
    Effect.andThen(sharedDir.publish(place, `${base}/usp1`), sharedDir.open(place)),
  writeConfig: (sharedDir, { place }) => sharedDir.writeConfig(place, "ours"),
  "writeConfig and readConfig": (sharedDir, { place }) =>
    Effect.andThen(
      sharedDir.writeConfig(place, "ours"),
      Effect.tap(sharedDir.readConfig(place), (text) => Effect.sync(() => assert.notStrictEqual(text, "theirs")))
    ),
  told: (sharedDir, { base }) =>
    Effect.tap(sharedDir.published(`${base}/shared`), (found) =>
      Effect.sync(() => assert.isFalse(found.some(({ text }) => text === "theirs")))
    ),
  republish: (sharedDir, { base, place }) => sharedDir.republish(place, `${base}/usp1`),
  "republish and withdraw": (sharedDir, { base, directories, place }) =>
    Effect.flatMap(sharedDir.republish(place, `${base}/usp1`), (socket) =>
      sharedDir.withdraw(place, directories, socket)
    ),
  verify: (sharedDir, { place }) => sharedDir.verify(place, { socket: true }),
  release: (sharedDir, { directories, place }) => sharedDir.release(place, directories)
}

/** mount(8) in its real form: its argument may be replaced before it looks, and it follows links. */
const mounting = (act: Act, here: Scene) =>
  Layer.succeed(
    Processes,
    Processes.of({
      run: ({ args }) =>
        Effect.map(act(here), () => {
          const target = args.at(-1) ?? ""
          const leads = target.startsWith("/proc/")
            ? Fs.readlinkSync(target)
            : Fs.existsSync(target)
              ? Fs.realpathSync(target)
              : target
          assert.notInclude(leads, "/prey/")
          return { status: 0, stdout: "", stderr: "" }
        })
    })
  )

/** Before its nth step, for each n up to the number of steps. */
const atEveryMoment = (act: Act, method: Method, far: boolean) =>
  Effect.gen(function* () {
    const own = yield* FilesSite
    const raw = yield* Files
    for (let at = 0, reached = true; reached; at++) {
      const base = `${own.base}/${at}`
      yield* raw.makeDirectory(base, 0o755)
      reached = yield* once(act, method, far, at).pipe(
        Effect.provideService(FilesSite, FilesSite.of({ ...own, base })),
        Effect.scoped
      )
    }
  })

const once = Effect.fnUntraced(function* (act: Act, method: Method, far: boolean, at: number) {
  const here = yield* scene
  let step = 0
  const acting = around((self, operation, path) => {
    const done = far && operation === "link" ? Effect.fail(new FileError({ operation, path, code: "EXDEV" })) : self
    return step++ === at ? Effect.andThen(act(here), done) : done
  })
  const sharedDir = yield* Effect.provide(SharedDir, over(acting, mounting(act, here)))
  yield* Effect.ignore(method(sharedDir, here))
  assert.deepStrictEqual(yield* here.prey, here.before)
  return step > at
})

export const hostileSwaps =
  suite<SharedDirUnderTest>("SharedDir, with a container that replaces files at any moment", (test) => {
    for (const [what, act] of Object.entries(acts)) {
      for (const [name, method] of Object.entries(methods)) {
        test(`${name}: ${what} at any moment`, () => atEveryMoment(act, method, false))
      }
      test(`publish across file systems: ${what} at any moment`, () =>
        atEveryMoment(act, (sharedDir, { base, place }) => sharedDir.publish(place, `${base}/usp1`), true))
    }
  })
