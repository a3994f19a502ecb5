/**
 * The table about the container's end says what the container gets when a key is absent, and whether a value is passed
 * on. Verified against what the plugin writes.
 */

import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Result, Schema } from "effect"
import { type ContainerNote, containerNotes, keyNotes } from "../../scripts/docs/KeyNotes.ts"
import { keys } from "../../scripts/docs/NetConfSchema.ts"
import { serve } from "../../src/app/CniCall.ts"
import { readRequest } from "../../src/cni/Request.ts"
import { emptyResult } from "../../src/cni/types/CniResult.ts"
import { containerData } from "../../src/container-config/ContainerData.ts"
import { derivedMac } from "../../src/identity/Attachment.ts"
import { make, netns } from "../dry-run/support/MemoryNode.ts"
import { accept } from "./support/Accept.ts"
import { at, bases, type Json, made, portOf, put, served, without } from "./support/Networks.ts"

const attachment = { network: "n", containerId: "c0ffee0123456789", ifName: "net1", netns, pod: undefined }
const identity = derivedMac(attachment)
const socketName = "c0ffee012345-net1"

/** Keys below `container`. */
const told = (configuration: Json): Json => {
  const { netConf, port } = Result.getOrThrow(accept(configuration))
  const data = containerData(attachment, netConf, port, { socketName }, port.mac ?? identity, emptyResult)
  return { container: data.config }
}

/** Sets each key of the switch's end, where it is accepted. */
const hosts = (base: Json): ReadonlyArray<Json> =>
  Object.entries(keyNotes).flatMap(([path, { example }]) => {
    const more = put(base, path, example)
    return path.startsWith("host.") && Result.isSuccess(accept(more)) ? [more] : []
  })

const exampleOf = (path: string): unknown => keyNotes[path]?.example ?? assert.fail(`no key ${path}`)

const defaultOf = (path: string): unknown => {
  const { absent } = keyNotes[path] ?? assert.fail(`no key ${path}`)
  return "value" in absent ? absent.value : undefined
}

/** A role and a mode have two values, which the schema names. */
const otherThan = (path: string, one: unknown): unknown => {
  const allowed = keys().find((key) => key.path === path)?.allowed ?? ""
  const [first, second, ...more] = [...allowed.matchAll(/`(\w+)`/g)].map(([, value]) => value)
  assert.isEmpty(more)
  return one === first ? second : first
}

type Look = (base: Json, is: (more: Readonly<Record<string, unknown>>) => unknown) => void

/** The table's texts. */
const meant: Readonly<Record<string, Look>> = {
  "`host.mtu`, unless that is 0": (_, is) => {
    assert.deepStrictEqual([is({ "host.mtu": 9000 }), is({ "host.mtu": 0 }), is({})], [9000, undefined, undefined])
  },
  "`host.mac`, or one derived from the attachment": (_, is) => {
    assert.deepStrictEqual([is({ "host.mac": "02:00:00:00:00:09" }), is({})], ["02:00:00:00:00:09", identity])
  },
  "the name of the attachment's socket, whatever is set here": (base, is) => {
    const end = "memif" in Object(base["host"]) ? "memif" : "vhost"
    assert.strictEqual(is({}), socketName)
    assert.strictEqual(is({ [`container.${end}.socketfile`]: "other" }), socketName)
  },
  "`abstract` if `host.memif.socket` is; else not passed on": (_, is) => {
    const abstract = { "host.memif.socket": "abstract" }
    assert.deepStrictEqual(
      [is(abstract), is({ "host.memif.socket": "file" }), is({})],
      ["abstract", undefined, undefined]
    )
    assert.strictEqual(is({ ...abstract, "container.memif.socket": "file" }), "abstract")
    assert.isUndefined(is({ "container.memif.socket": "abstract" }))
  },
  "`host.vhost.queues` on ovs-dpdk; not passed on on vpp": (base, is) => {
    assert.strictEqual(is({ "host.vhost.queues": 3 }), portOf(base)["engine"] === "vpp" ? undefined : 3)
    assert.isUndefined(is({}))
  },
  "`true` on vpp if `host.vhost.enablePacked` is; else not passed on": (base, is) => {
    assert.strictEqual(is({ "host.vhost.enablePacked": true }), portOf(base)["engine"] === "vpp" ? true : undefined)
    assert.isUndefined(is({ "host.vhost.enablePacked": false }))
    assert.isUndefined(is({}))
  }
}

const lookAt = (path: string, absent: ContainerNote["absent"], base: Json) => {
  const is: Parameters<Look>[1] = (more) =>
    at(told(Object.entries(more).reduce((into, [key, value]) => put(into, key, value), base)), path)
  if (absent === "not passed on") {
    for (const host of hosts(base)) assert.isUndefined(at(told(host), path))
  } else if ("value" in absent) {
    for (const host of hosts(base)) assert.deepStrictEqual(at(told(host), path), absent.value)
  } else if ("as" in absent) {
    const example = exampleOf(absent.as)
    const fits = Result.isSuccess(accept(put(base, absent.as, example)))
    if (fits) assert.deepStrictEqual(is({ [absent.as]: example }), example)
    assert.deepStrictEqual(is({}), at(base, absent.as) ?? defaultOf(absent.as))
  } else if ("otherThan" in absent) {
    for (const one of [exampleOf(absent.otherThan), otherThan(absent.otherThan, exampleOf(absent.otherThan))]) {
      assert.strictEqual(is({ [absent.otherThan]: one }), otherThan(absent.otherThan, one))
    }
    const usual = at(base, absent.otherThan) ?? defaultOf(absent.otherThan)
    assert.strictEqual(is({}), otherThan(absent.otherThan, usual))
  } else {
    const look = meant[absent.words]
    if (look === undefined) assert.fail("nobody has looked whether that is so")
    look(base, is)
  }
}

describe("the container's end in docs/configuration.md", () => {
  for (const [path, { absent, example, for: whom }] of Object.entries(containerNotes)) {
    it(`${path}, when set, reaches the container in: ${whom}`, () => {
      for (const [name, base] of Object.entries(bases)) {
        const is = at(told(put(base, path, example)), path)
        if (served[whom](name)) assert.deepStrictEqual(is, example, name)
        else assert.notDeepEqual(is, example, name)
      }
    })

    it(`${path}, absent: ${JSON.stringify(absent)}`, () => {
      const section = /^container\.(memif|vhost)\./.exec(path)?.[1]
      for (const [name, base] of Object.entries(bases)) {
        if (section === undefined || (section === "memif") === name.includes("memif")) lookAt(path, absent, base)
      }
    })
  }

  it("an MTU applies to the switch's end when that has none", () => {
    for (const base of Object.values(bases)) {
      const written = put(base, "container.mtu", 1500)
      assert.strictEqual(portOf(written)["mtu"], 1500)
      assert.strictEqual(portOf(put(written, "host.mtu", 9000))["mtu"], 9000)
    }
  })

  it("a MAC address overrides the host's; the pod's request overrides both", () => {
    for (const base of Object.values(bases)) {
      const mac = (end: string) => `02:00:00:00:00:0${end}`
      const both = put(put(base, "host.mac", mac("1")), "container.mac", mac("2"))
      assert.strictEqual(at(told(both), "container.mac"), mac("2"))
      assert.strictEqual(at(told(put(both, "runtimeConfig.mac", mac("3"))), "container.mac"), mac("3"))
    }
  })

  it("a mode that crashes VPP is refused for this end as well", () => {
    const written = put(bases["vpp memif"], "container.memif.mode", "inject-punt")
    assert.include(String(made(written)), "container.memif.mode")
  })

  it("no other key here changes the request to the switch", () => {
    for (const [path, { example }] of Object.entries(containerNotes)) {
      if (path === "container.mtu" || path === "container.mac") continue
      for (const base of Object.values(bases)) {
        assert.deepStrictEqual(portOf(put(base, path, example)), portOf(base), path)
      }
    }
  })

  it.effect("is what an ADD writes into the directory", () =>
    Effect.gen(function* () {
      const PublishedFile = Schema.fromJsonString(
        Schema.Struct({ config: Schema.Record(Schema.String, Schema.Unknown) })
      )
      const conf = put(put(without(bases["ovs-dpdk"], "host.mtu"), "host.vhost.queues", 2), "sharedDir", "/run/shared")
      const node = make()
      const { containerId: CNI_CONTAINERID, ifName: CNI_IFNAME, netns: CNI_NETNS } = attachment
      const environment = { CNI_CONTAINERID, CNI_IFNAME, CNI_NETNS, CNI_PATH: "/opt/cni/bin" }
      yield* serve(readRequest({ ...environment, CNI_COMMAND: "ADD" }, JSON.stringify(conf))).pipe(
        Effect.provide(node.edges),
        Effect.provide(Logger.layer([]))
      )
      const text = node.files.get("/run/shared/c0ffee012345/configData-c0ffee012345-net1.json")?.content ?? ""
      assert.deepStrictEqual({ container: Schema.decodeUnknownSync(PublishedFile)(text).config }, told(conf))
    })
  )
})
