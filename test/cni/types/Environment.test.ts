/** The environment of a call: limits of names, CNI_ARGS, and the parts of an attachment. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { type CniArgs, readArgs, readEnvironment } from "../../../src/cni/types/Environment.ts"
import { attachmentOf } from "../../../src/identity/Attachment.ts"

const variables = { CNI_CONTAINERID: "0958c8871b32", CNI_NETNS: "/var/run/netns/a", CNI_IFNAME: "net1" }

const refused = (name: keyof typeof variables, value: string) =>
  Result.match(readEnvironment("ADD", { ...variables, [name]: value }), {
    onFailure: (error) => error,
    onSuccess: () => undefined
  })

describe("CNI_CONTAINERID", () => {
  it.each(["a", "7", "a.b_c-d", "A".repeat(255), "cnitool-cc92096eaf2ada13ac46", "0958c8871b3"])(
    "%s is valid",
    (id) => {
      assert.isUndefined(refused("CNI_CONTAINERID", id))
    }
  )

  it.each(["a/b", ".a", "_a", "-a", "a b", "a\n", "ä", "..", "A".repeat(256), "A".repeat(300)])(
    "%j is invalid",
    (id) => {
      const error = refused("CNI_CONTAINERID", id)
      assert.strictEqual(error?.code, 4)
      assert.include(error?.msg, "CNI_CONTAINERID=")
      assert.include(error?.msg, `${id.length} characters`)
      assert.notInclude(error?.msg, "\n")
      assert.isBelow(error?.msg.length ?? 0, 150)
      assert.include(error?.details, "1 to 255")
    }
  )
})

describe("CNI_IFNAME", () => {
  it.each(["a", "eth0", "net1", "net10", "eth0.100", "_x", "net1-abc_d.e", "123456789012345"])(
    "%s is valid",
    (name) => {
      assert.isUndefined(refused("CNI_IFNAME", name))
    }
  )

  it.each(["1234567890123456", "a/b", ".", "..", "a b", "a:b", "net1\n", "a\0", "ä", "-a"])("%j is invalid", (name) => {
    const error = refused("CNI_IFNAME", name)
    assert.strictEqual(error?.code, 4)
    assert.include(error?.msg, "CNI_IFNAME=")
    assert.notInclude(error?.msg, "\n")
    assert.include(error?.details, "1 to 15")
  })
})

describe("the rest of the environment", () => {
  const read = (more: Readonly<Record<string, string | undefined>>) =>
    Result.getOrThrow(readEnvironment("DEL", { ...variables, ...more }))

  it("splits CNI_PATH and drops empty parts", () => {
    assert.deepStrictEqual(read({ CNI_PATH: ":/opt/cni/bin::/usr/lib/cni:" }).path, ["/opt/cni/bin", "/usr/lib/cni"])
    assert.deepStrictEqual(read({}).path, [])
  })

  it("accepts a DEL without netns", () => {
    assert.strictEqual(read({ CNI_NETNS: undefined }).netns, "")
  })

  it("keeps the whole environment for delegates", () => {
    assert.deepStrictEqual(read({ HOME: "/root" }).variables, { ...variables, HOME: "/root" })
  })
})

const argsOf = (text: string): CniArgs => Result.getOrThrow(readArgs(text))

describe("CNI_ARGS", () => {
  it("accepts pairs, and keys in any case", () => {
    const args = argsOf("IgnoreUnknown=1;K8S_POD_NAMESPACE=ns1;OvnPort=p;;MAC=02:00:00:00:00:01;")
    assert.strictEqual(args.get("K8S_POD_NAMESPACE"), "ns1")
    assert.strictEqual(args.get("ovnport"), "p")
    assert.strictEqual(args.get("mac"), "02:00:00:00:00:01")
    assert.isUndefined(args.get("K8S_POD_NAME"))
  })

  it("accepts `=` and `,` in a value, as in Multus' static dual-stack addresses", () => {
    assert.strictEqual(argsOf("IP=10.0.0.1/24,fd00::1/64;A=b=c;E=").get("IP"), "10.0.0.1/24,fd00::1/64")
    assert.strictEqual(argsOf("A=b=c;E=").get("A"), "b=c")
    assert.strictEqual(argsOf("A=b=c;E=").get("E"), "")
  })

  it("has no keys of the plugin's own", () => {
    for (const key of ["constructor", "__proto__", "toString"]) assert.isUndefined(argsOf("A=b").get(key))
    assert.strictEqual(argsOf("__proto__=x").get("__proto__"), "x")
  })

  it.each(["nonsense", "=x", "A=b;c", "x".repeat(500)])("%j is reported with CNI_ARGS", (text) => {
    const error = Result.match(readEnvironment("ADD", { ...variables, CNI_ARGS: text }), {
      onFailure: (error) => error,
      onSuccess: () => undefined
    })
    assert.strictEqual(error?.code, 4)
    assert.include(error?.msg, "CNI_ARGS has")
    assert.isBelow(error?.msg.length ?? 0, 150)
  })

  it.prop("any text gives arguments or an error of code 4", [Schema.String], ([text]) =>
    Result.match(readArgs(text), {
      onFailure: ({ code }) => assert.strictEqual(code, 4),
      onSuccess: (args) => {
        for (const pair of text.split(";")) {
          const [key = ""] = pair.split("=")
          if (key.trim() !== "") assert.isString(args.get(key))
        }
      }
    })
  )

  it.prop(
    "is written as it was read",
    [Schema.Record(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_]{1,9}$/)), Schema.String)],
    ([pairs]) => {
      const written = Object.entries(pairs).filter(
        ([key, value], at, all) =>
          !value.includes(";") && all.findIndex(([other]) => other.toLowerCase() === key.toLowerCase()) === at
      )
      const args = argsOf(written.map(([key, value]) => `${key}=${value}`).join(";"))
      for (const [key, value] of written) assert.strictEqual(args.get(key.toUpperCase()), value)
    }
  )
})

describe("an attachment", () => {
  const attachment = (args: string) =>
    attachmentOf("net", Result.getOrThrow(readEnvironment("ADD", { ...variables, CNI_ARGS: args })))

  it("has its pod when the runtime names it", () => {
    const pod = { namespace: "ns1", name: "pod1", uid: "uid-1" }
    assert.deepStrictEqual(attachment("K8S_POD_NAMESPACE=ns1;K8S_POD_NAME=pod1;K8S_POD_UID=uid-1"), {
      network: "net",
      containerId: "0958c8871b32",
      ifName: "net1",
      netns: "/var/run/netns/a",
      pod
    })
    assert.deepStrictEqual(attachment("K8S_POD_NAMESPACE=ns1;K8S_POD_NAME=pod1").pod, { ...pod, uid: "" })
  })

  it.each([
    "K8S_POD_NAME=..",
    "K8S_POD_NAME=Web",
    "K8S_POD_NAME=quirky_hopper",
    "K8S_POD_NAMESPACE=a.b",
    "K8S_POD_NAMESPACE=-a",
    "K8S_POD_UID=../x",
    `K8S_POD_NAME=${"x".repeat(254)}`
  ])("is refused with a name that Kubernetes does not give: %s", (args) => {
    const others = ["K8S_POD_NAMESPACE=ns1", "K8S_POD_NAME=pod1"].filter(
      (one) => !args.startsWith(one.split("=")[0] ?? "")
    )
    assert.isUndefined(attachment([args, ...others].join(";")).pod)
  })

  it.each(["", "K8S_POD_NAME=pod1", "K8S_POD_NAMESPACE=ns1", "K8S_POD_NAMESPACE=;K8S_POD_NAME="])(
    "is refused with %j",
    (args) => {
      assert.isUndefined(attachment(args).pod)
    }
  )
})
