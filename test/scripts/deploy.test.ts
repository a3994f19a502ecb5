/** `make deploy` and `make undeploy` with a kubectl that only records; test/e2e has its rendering. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { clusterOf } from "./support/Cluster.ts"
import { named, noMake, type Programs, programs } from "./support/Make.ts"

/** Both files in sequence: a kustomization's images and namespace stay as in the files. */
const rendered = "cat $2/role.yaml; echo ---; cat $2/daemonset.yaml"

/** `fails`: the behaviour of this command, `*`: of each. */
const kubectl = ({ put }: Programs, fails = "none", how = "") =>
  put("kubectl", `case $1 in ${fails}) ${how};; kustomize) ${rendered};; *) cat >$stdin; echo $1: done;; esac`)

const registry = ["IMAGE_REGISTRY=registry.example:5000/team/", "IMAGE_VERSION=1.2-rc&3"]

const pods =
  "delete --ignore-not-found --cascade=foreground --timeout=200s --namespace kube-system daemonset/userspace-cni"

/** `before`: what it does on the cluster before all else. */
describe.skipIf(noMake).each([
  { target: "deploy", before: [], command: "apply -f -" },
  { target: "undeploy", before: [pods], command: "delete --ignore-not-found -f -" }
])(named("make $target"), ({ before, target, command }) => {
  const verb = command.replace(/ .*/, "")

  it.effect.each([
    { words: [], image: "localhost/userspacecni:latest" },
    { words: registry, image: "registry.example:5000/team/userspacecni:1.2-rc&3" }
  ])("passes the manifests to kubectl, with the image $image", ({ image, words }) =>
    Effect.gen(function* () {
      const made = yield* programs
      kubectl(made)
      const { status, stderr, stdout } = made.make([target, ...words])
      assert.strictEqual(status, 0, stderr)
      assert.include(stdout, `${verb}: done`)
      const calls = made.calls("kubectl")
      assert.deepStrictEqual(
        calls.map(({ args }) => args),
        ["kustomize examples/kubernetes", ...before, command]
      )
      assert.deepStrictEqual(clusterOf(calls.at(-1)?.stdin ?? "").images, [image, image, image])
    })
  )

  it.effect("hands over the manifests without the agent when it is told to, and takes no other word", () =>
    Effect.gen(function* () {
      const made = yield* programs
      made.put("kubectl", `case $1 in kustomize) cat examples/kubernetes/daemonset.yaml;; *) cat >$stdin;; esac`)
      assert.strictEqual(made.make([target, "AGENT=off"]).status, 0)
      assert.strictEqual(made.calls("kubectl")[0]?.args, "kustomize examples/kubernetes-without-agent")
      const { status, stderr } = made.make([target, "AGENT=none"])
      assert.notStrictEqual(status, 0)
      assert.include(stderr, "AGENT is on or off, not none")
      assert.strictEqual(made.calls("kubectl").length, 2 + before.length)
    })
  )

  it.effect("uses the kubectl that KUBECTL names, with its options", () =>
    Effect.gen(function* () {
      const made = yield* programs
      made.put("k3s", `shift 2; case $1 in kustomize) ${rendered};; *) cat >$stdin;; esac`)
      assert.strictEqual(made.make([target, "KUBECTL=k3s kubectl --context=lab"]).status, 0)
      assert.deepStrictEqual(
        made.calls("k3s").map(({ args }) => args),
        ["kustomize examples/kubernetes", ...before, command].map((args) => `kubectl --context=lab ${args}`)
      )
      assert.deepStrictEqual(made.calls("kubectl"), [])
    })
  )

  it.effect("reports a missing kubectl, and what to do", () =>
    Effect.gen(function* () {
      const { make } = yield* programs
      const { status, stderr } = make([target, "KUBECTL=no-such-kubectl"])
      assert.notStrictEqual(status, 0)
      assert.include(stderr, "there is no no-such-kubectl: install it (apt-get install kubectl), or name it in KUBECTL")
    })
  )

  it.effect("fails with kubectl's message when the cluster refuses, and with what to do", () =>
    Effect.gen(function* () {
      const made = yield* programs
      kubectl(made, verb, "echo 'dial tcp: connection refused' >&2; exit 1")
      const { status, stderr } = made.make([target])
      assert.notStrictEqual(status, 0)
      assert.include(stderr, "dial tcp: connection refused")
      assert.include(stderr, "Does it answer (kubectl cluster-info)?")
      assert.include(stderr, `allowed to ${verb} a DaemonSet`)
    })
  )

  it.effect.each([
    { what: "cannot render", how: "exit 1", says: "it has to know `kustomize`" },
    { what: "renders something else", how: "echo 'image: localhost/other:latest'", says: "the cluster was not asked" }
  ])("sends nothing to the cluster when kubectl $what", ({ how, says }) =>
    Effect.gen(function* () {
      const made = yield* programs
      kubectl(made, "kustomize", how)
      const { status, stderr } = made.make([target])
      assert.notStrictEqual(status, 0)
      assert.include(stderr, says)
      assert.strictEqual(made.calls("kubectl").length, 1)
    })
  )
})

it.effect.skipIf(noMake)(named("make undeploy takes away what make deploy made, and nothing else"), () =>
  Effect.gen(function* () {
    const made = yield* programs
    kubectl(made)
    for (const target of ["deploy", "undeploy"]) assert.strictEqual(made.make([target, ...registry]).status, 0)
    const [, applied, , , deleted] = made.calls("kubectl")
    assert.isNotEmpty(applied?.stdin ?? "")
    assert.strictEqual(deleted?.stdin, applied?.stdin)
  })
)

it.effect.skipIf(noMake)(named("make undeploy goes on when pods of a node that is down do not end, and says so"), () =>
  Effect.gen(function* () {
    const made = yield* programs
    made.put(
      "kubectl",
      `case "$*" in kustomize*) ${rendered};; *foreground*) echo timed out >&2; exit 1;; *) cat >$stdin;; esac`
    )
    const { status, stderr } = made.make(["undeploy"])
    assert.strictEqual(status, 0)
    assert.include(stderr, "not all pods of daemonset/userspace-cni have ended; going on")
    assert.strictEqual(made.calls("kubectl").length, 3)
  })
)
