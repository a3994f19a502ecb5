/** `userspace kubevirt-hook`: the sidecar that gives a virtual machine of KubeVirt the interfaces of its pod. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { defaultLogOptions } from "../../../cni/network/LogOptions.ts"
import { serve } from "../../../kubevirt/Hook.ts"
import * as Log from "../../../program/Log.ts"
import { textOr } from "../../input/Flags.ts"
import { endsWell } from "../../print/Printer.ts"

export const command = Command.make(
  "kubevirt-hook",
  {
    binding: textOr("binding", "NAME", "The network binding plugin's name in the KubeVirt resource", "userspace"),
    socket: textOr("socket", "PATH", "The socket that virt-launcher finds", "/var/run/kubevirt-hooks/userspace.sock"),
    networkInfo: textOr(
      "network-info",
      "FILE",
      "The downward API's file of the annotation kubevirt.io/network-info",
      "/etc/podinfo/network-info"
    )
  },
  (options) =>
    serve(options).pipe(
      Effect.onInterrupt(() => endsWell),
      Effect.provide(Log.layer({ ...defaultLogOptions, level: "Info" }))
    )
)
