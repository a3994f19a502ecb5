/**
 * The ports of a node as resources that pods ask for: which switch, how many, and where the directory of each is. The
 * inventory of every interface that hands them out; kubelet's device plugin is the first. Pure.
 */
import { join } from "node:path"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Control } from "../cni/network/HostPort.ts"
import { defaultControl } from "../cni/network/HostPorts.ts"
import { absolutePath } from "../cni/network/Validators.ts"
import type { Variables } from "../cni/types/Environment.ts"

const described = (description: string) => ({ description })

const text = (expected: string, pattern: RegExp) =>
  Schema.String.annotate({ message: `Expected ${expected}` }).check(
    Schema.isPattern(pattern, { message: `Expected ${expected}` })
  )

/** A label of DNS: it becomes a part of a resource's name, and of paths that have to stay short. */
const Name = text("a name of at most 40 lower-case letters, digits and `-`", /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/u)

const whole = (minimum: number, maximum: number) => {
  const insteadOf = { message: `Expected an integer from ${minimum} to ${maximum}` }
  return Schema.Number.annotate(insteadOf).check(
    Schema.isInt(insteadOf),
    Schema.isBetween({ minimum, maximum }, insteadOf)
  )
}

const id = whole(0, 4_294_967_294)

/** One resource of the file that `userspace agent --resources` names. */
export const ResourceFile = Schema.Struct({
  kubeletDir: Schema.optionalKey(
    text("an absolute path", absolutePath).annotate(described("Kubelet's directory. Default /var/lib/kubelet."))
  ),
  resources: Schema.Array(
    Schema.Struct({
      name: Name.annotate(described("Pods ask for `userspace-cni/<name>`.")),
      engine: Schema.Literals(["ovs-dpdk", "vpp"]).annotate(described("The switch.")),
      socket: Schema.optionalKey(
        Schema.String.annotate(described("Control socket of the switch, as `host.socket` of a network."))
      ),
      count: whole(1, 1024).annotate(described("Ports that pods may have at the same time.")),
      numaNode: Schema.optionalKey(
        whole(0, 63).annotate(described("NUMA node of the switch's threads, for kubelet's Topology Manager."))
      ),
      owner: Schema.optionalKey(id.annotate(described("User of a pod's directory, as a number. Default 0."))),
      group: Schema.optionalKey(id.annotate(described("Group of a pod's directory, as a number. Default 0."))),
      mode: Schema.optionalKey(
        text("a mode such as 0770", /^0?[0-7]{3}$/u).annotate(described("Mode of a pod's directory. Default 0777."))
      )
    })
  )
})

export interface Resources {
  readonly resources: ReadonlyArray<Resource>
  /** Kubelet looks for plugins here. */
  readonly registry: string
  /** Kubelet's file of the devices that containers have. */
  readonly checkpoint: string
}

export interface Resource {
  readonly name: string
  readonly at: Control
  readonly count: number
  readonly numaNode: number | undefined
  /** Of the directory that a pod mounts. */
  readonly access: { readonly uid: number; readonly gid: number; readonly mode: number }
}

/** Fails with what is wrong, one problem a line. */
export const readResources = (text: string, variables: Variables): Result.Result<Resources, string> =>
  Result.flatMap(
    Result.mapError(
      Schema.decodeUnknownResult(Schema.fromJsonString(ResourceFile))(text, {
        errors: "all",
        onExcessProperty: "error"
      }),
      ({ message }) => message
    ),
    ({ kubeletDir = "/var/lib/kubelet", resources }) => {
      const twice = resources.find(({ name }, index) => resources.findIndex((one) => one.name === name) !== index)
      if (twice !== undefined) return Result.fail(`two resources have the name ${twice.name}`)
      return Result.succeed({
        registry: join(kubeletDir, "plugins_registry"),
        checkpoint: join(kubeletDir, "device-plugins", "kubelet_internal_checkpoint"),
        resources: resources.map(({ count, engine, group = 0, mode = "0777", name, numaNode, owner = 0, socket }) => ({
          name,
          at: { engine, control: socket ?? defaultControl(engine, variables) },
          count,
          numaNode,
          access: { uid: owner, gid: group, mode: Number.parseInt(mode, 8) }
        }))
      })
    }
  )

/** The devices of a resource: `br-dpdk-0`, `br-dpdk-1`. */
export const idsOf = ({ count, name }: Pick<Resource, "count" | "name">): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`)
