/** The targets for images, as a user calls them, with a builder that only records; and its input. */
import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { named, noMake, type Programs, programs, root } from "./support/Make.ts"

const read = (path: string) => Fs.readFileSync(join(root, path), "utf8")

/** A checkout for a target that must not use the files built here: the same files, and a fake executable. */
const checkout = ({ directory }: Programs, executable = "an executable") => {
  const place = join(directory, "checkout")
  Fs.cpSync(join(root, "scripts"), join(place, "scripts"), { recursive: true })
  Fs.mkdirSync(join(place, "dist"))
  Fs.writeFileSync(join(place, "dist/userspace"), executable)
  return place
}

/** Its last argument is the directory with all that it may copy, which is copied into `context`. */
const builder = ({ directory, put }: Programs) =>
  put("docker", `for last; do :; done\n[ "$1" != build ] || cp -a "$last" ${directory}/context`)

const anywhere = (call = "") => call.replaceAll(/\/tmp\/tmp\.\w+/g, "SCRATCH")

describe.skipIf(noMake)(named("make copy, make push"), () => {
  it.effect("passes its variables on", () =>
    Effect.gen(function* () {
      const made = yield* programs
      made.put("docker")
      const bin = join(made.directory, "bin")
      const words = ["IMAGE_BUILDER=docker", "IMAGE_REGISTRY=r.example/team", "IMAGE_VERSION=2", `CNI_BIN_DIR=${bin}`]
      for (const target of ["copy", "push"]) assert.strictEqual(made.make([target, ...words]).status, 0)
      assert.deepStrictEqual(
        made.calls("docker").map(({ args }) => args),
        [
          `run --rm --network none --volume ${bin}:/opt/cni/bin --entrypoint /userspace r.example/team/userspacecni:2 install --cni-bin-dir /opt/cni/bin`,
          "push r.example/team/userspacecni:2"
        ]
      )
    })
  )

  it.effect.each([
    { target: "copy", says: "Is there an image localhost/userspacecni:latest? `make image` builds it" },
    { target: "push", says: "IMAGE_REGISTRY has to name a registry that you are logged in to (docker login)" }
  ])("make $target fails with the builder's message, and with what to do", ({ says, target }) =>
    Effect.gen(function* () {
      const made = yield* programs
      made.put("docker", "echo 'no such thing' >&2; exit 125")
      const { status, stderr } = made.make([target, "IMAGE_BUILDER=docker", `CNI_BIN_DIR=${made.directory}/bin`])
      assert.notStrictEqual(status, 0)
      assert.include(stderr, "no such thing")
      assert.include(stderr, says)
    })
  )
})

describe("the image of testpmd", () => {
  it.effect.each([
    { env: {}, base: "debian:13", name: "localhost/userspace-testpmd:latest" },
    {
      env: { BASE_IMAGE: "localhost/debian:13", IMAGE_REGISTRY: "r.example/", IMAGE_VERSION: "2" },
      base: "localhost/debian:13",
      name: "r.example/userspace-testpmd:2"
    }
  ])("is built on $base, of the executable, the script that starts it and nothing else", ({ base, env, name }) =>
    Effect.gen(function* () {
      const made = yield* programs
      builder(made)
      const { status, stderr } = made.run(checkout(made), "testpmd", env)
      assert.strictEqual(status, 0, stderr)
      const calls = made.calls("docker").map(({ args }) => anywhere(args))
      assert.deepStrictEqual(calls, [`build --build-arg BASE_IMAGE=${base} -t ${name} -f SCRATCH/Dockerfile SCRATCH`])
      const context = join(made.directory, "context")
      assert.sameMembers(Fs.readdirSync(context), ["Dockerfile", "pod-testpmd", "userspace"])
      assert.strictEqual(Fs.readFileSync(join(context, "userspace"), "utf8"), "an executable")
      for (const file of ["userspace", "pod-testpmd"]) {
        assert.strictEqual(Fs.statSync(join(context, file)).mode & 0o111, 0o111, file)
      }
    })
  )

  it("has the packages whose testpmd the end-to-end tests run", () => {
    const dockerfile = read("scripts/image/testpmd/Dockerfile")
    assert.match(dockerfile, /^COPY userspace pod-testpmd \/usr\/local\/bin\/$/m)
    assert.match(dockerfile, /^ENTRYPOINT \["pod-testpmd"\]$/m)
    const packages = /^dpdk="(.*)"$/m.exec(read("scripts/install-e2e.sh"))?.[1] ?? "none"
    assert.include(dockerfile.replaceAll(/\s+/g, " "), `--no-install-recommends \\ ${packages} \\ &&`)
  })

  it.effect("fails with where to get a base image", () =>
    Effect.gen(function* () {
      const made = yield* programs
      made.put("docker", "exit 1")
      const { status, stderr } = made.run(checkout(made), "testpmd")
      assert.strictEqual(status, 1)
      assert.include(stderr, "`make base-image` makes localhost/debian:13")
    })
  )
})

describe.skipIf(noMake)(named("make base-image"), () => {
  const root0 = "echo 0"
  const mirror = ({ put }: Programs, lines: string) => put("apt-get", `printf '${lines}'`)

  it.effect.each([
    { lines: "http://mirror.example/debian/\\n", from: " http://mirror.example/debian/" },
    { lines: "", from: "" }
  ])("is packed from debootstrap's output, mirror '$from'", ({ from, lines }) =>
    Effect.gen(function* () {
      const made = yield* programs
      builder(made)
      mirror(made, lines)
      made.put("id", root0)
      made.put("chroot")
      made.put("debootstrap", 'mkdir -p "$3/etc" && echo 13 >"$3/etc/debian_version"')
      const { status, stderr } = made.make(["base-image", "IMAGE_BUILDER=docker", "IMAGE_REGISTRY=r.example"])
      assert.strictEqual(status, 0, stderr)
      assert.deepStrictEqual(
        made.calls("debootstrap").map(({ args }) => anywhere(args)),
        [`--variant=minbase trixie SCRATCH/root${from}`]
      )
      assert.deepStrictEqual(
        made.calls("docker").map(({ args }) => anywhere(args)),
        ["build -t r.example/debian:13 -f SCRATCH/context/Dockerfile SCRATCH/context"]
      )
      const context = join(made.directory, "context")
      assert.include(Fs.readFileSync(join(context, "root.tar")).toString("latin1"), "./etc/debian_version")
      assert.match(Fs.readFileSync(join(context, "Dockerfile"), "utf8"), /^FROM scratch\nADD root.tar \/\n/)
    })
  )

  it.effect("fails with debootstrap's last lines, and builds nothing", () =>
    Effect.gen(function* () {
      const made = yield* programs
      builder(made)
      mirror(made, "")
      made.put("id", root0)
      made.put("debootstrap", "echo 'E: Failed getting release file'; exit 1")
      const { status, stderr } = made.make(["base-image", "IMAGE_BUILDER=docker"])
      assert.notStrictEqual(status, 0)
      assert.include(stderr, "debootstrap: E: Failed getting release file")
      assert.deepStrictEqual(made.calls("docker"), [])
    })
  )

  it.effect("needs root", () =>
    Effect.gen(function* () {
      const made = yield* programs
      builder(made)
      made.put("id", "echo 1000")
      const { status, stderr } = made.make(["base-image", "IMAGE_BUILDER=docker"])
      assert.notStrictEqual(status, 0)
      assert.include(stderr, "debootstrap needs root")
    })
  )
})
