/**
 * The sidecar of KubeVirt's network binding plugins, by which a virtual machine gets the vhost-user interfaces of its pod.
 * virt-launcher finds its socket, and asks it for the domain before libvirt does. KubeVirt 1.5 to 1.9, hooks v1alpha3.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { keepServing, type Methods, type Refused, Status, unary } from "../grpc/GrpcServer.ts"
import { failureWords } from "../platform/text/FailureWords.ts"
import { type Refusal, withInterfaces } from "./Domain.ts"
import { interfacesOf, networkInfoIn } from "./Request.ts"

const Empty = {} as const
const Info = {
  name: { number: 1, type: "string" },
  hookPoints: {
    number: 3,
    type: { name: { number: 1, type: "string" }, priority: { number: 2, type: "int" } },
    repeated: true
  },
  versions: { number: 4, type: "string", repeated: true }
} as const
const DefineRequest = { domain: { number: 1, type: "bytes" }, virtualMachine: { number: 2, type: "bytes" } } as const
const DefineAnswer = { domain: { number: 1, type: "bytes" } } as const
const CloudInitRequest = { source: { number: 1, type: "bytes" }, data: { number: 3, type: "bytes" } } as const
const CloudInitAnswer = { source: { number: 1, type: "bytes" }, data: { number: 3, type: "bytes" } } as const

interface Options {
  /** In the directory of hooks; sidecars of one virtual machine need different names. */
  readonly socket: string
  /** The name of the network binding plugin. */
  readonly binding: string
  /** The file of the downward API. */
  readonly networkInfo: string
}

/** virt-launcher gives a call 60 seconds. Kubelet writes the file late, when the pod is running already. */
const patience = "45 seconds"

/** Serves until virt-launcher says that the virtual machine has ended. */
export const serve = Effect.fnUntraced(function* ({ binding, networkInfo, socket }: Options) {
  const system = yield* FileSystem.FileSystem
  const ended = yield* Deferred.make<void>()

  const once = system.readFileString(networkInfo).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      () => Effect.succeed("")
    ),
    Effect.mapError((error) => notWritten(failureWords(error, networkInfo))),
    Effect.flatMap((text) => Effect.fromResult(networkInfoIn(text)))
  )
  const information = Effect.repeat(once, {
    until: (info) => info !== undefined,
    schedule: Schedule.spaced("100 millis")
  }).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.fail(notWritten(`${networkInfo} is not written`))
    }),
    Effect.filterOrFail(
      (info) => info !== undefined,
      () => notWritten(`${networkInfo} is empty`)
    ),
    Effect.mapError(refused)
  )

  const methods: Methods = {
    "/kubevirt.hooks.info.Info/Info": unary(Empty, Info, () =>
      Effect.succeed({
        name: `userspace-${binding}`,
        hookPoints: [
          { name: "OnDefineDomain", priority: 0 },
          { name: "Shutdown", priority: 0 }
        ],
        versions: ["v1alpha3"]
      })
    ),
    "/kubevirt.hooks.v1alpha3.Callbacks/OnDefineDomain": unary(
      DefineRequest,
      DefineAnswer,
      Effect.fnUntraced(
        function* ({ domain, virtualMachine }) {
          const info = yield* information
          const interfaces = interfacesOf(Buffer.from(virtualMachine).toString("utf8"), binding, info)
          const changed = Result.flatMap(interfaces, (all) => withInterfaces(Buffer.from(domain).toString("utf8"), all))
          return { domain: Buffer.from(yield* Effect.mapError(Effect.fromResult(changed), refused)) }
        },
        Effect.tapError(({ message }) => Effect.logError(message))
      )
    ),
    "/kubevirt.hooks.v1alpha3.Callbacks/PreCloudInitIso": unary(CloudInitRequest, CloudInitAnswer, Effect.succeed),
    "/kubevirt.hooks.v1alpha3.Callbacks/Shutdown": unary(Empty, Empty, () =>
      Effect.as(Deferred.succeed(ended, undefined), {})
    )
  }
  yield* keepServing(socket, methods, 0o666)
  yield* Effect.logInfo(`serves KubeVirt's hooks on ${socket}`)
  yield* Deferred.await(ended)
}, Effect.scoped)

const refused = ({ cure, failed }: Refusal): Refused => ({ status: Status.internal, message: `${failed}. ${cure}` })

const notWritten = (failed: string): Refusal => ({
  failed,
  cure: "Set downwardAPI: device-info where the network binding plugin is registered, and check that the pod has its networks."
})
