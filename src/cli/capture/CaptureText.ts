/** What `userspace capture` says on stderr. Pure. */
import type { Counted, Ending } from "../../attachment/capture/Capture.ts"
import type { Record } from "../../attachment/records/Record.ts"
import type { Engine } from "../../cni/network/HostPort.ts"
import { CommandLineError } from "../text/CommandLineError.ts"

const costs: { readonly [E in Engine]: string } = {
  "ovs-dpdk":
    "Until it ends, the PMD threads of this port copy each packet of it to a tap device, one system call a batch: the port forwards less.",
  vpp: "Until it ends, VPP copies each packet of this interface to a tap device, one system call a batch: the interface forwards less."
}

export const captureBegins = ({ ifName, network, pod }: Record, port: string, engine: Engine): string =>
  [
    `Capturing ${ifName}${pod === undefined ? "" : ` of pod ${pod.namespace}/${pod.name}`}, network ${network}, port ${port}. Ctrl-C ends it.`,
    costs[engine]
  ].join("\n")

const because: { readonly [E in Ending | "signal" | "failure"]: string } = {
  count: "",
  time: "",
  signal: "",
  failure: "",
  reader: " Nobody reads the output any more.",
  port: " The port was removed from the switch."
}

export const captureEnds = ({ dropped, inbound, outbound }: Counted, ending: keyof typeof because): string =>
  `Captured ${inbound + outbound} packets: ${inbound} inbound to the pod, ${outbound} outbound from it; ${dropped} were dropped because they came too fast.${because[ending]}`

export const notRoot = new CommandLineError({
  failed: "capture needs the rights of the node",
  answer: "it was not called by root: records, the switch and tap devices are for root only",
  cure: "Run it as root on the node."
})

export const whichAttachment = new CommandLineError({
  failed: "capture needs an attachment",
  answer: "neither --pod nor --container-id is given",
  cure: "List attachments with `userspace list`, and give --pod NAMESPACE/NAME."
})

export const severalAttachments = (records: ReadonlyArray<Record>) =>
  new CommandLineError({
    failed: "capture is of one attachment at a time",
    answer: records
      .map(({ containerId, ifName, network }) => `${ifName} of network ${network}, container ${containerId}`)
      .join("\n"),
    cure: "Give --interface NAME, or --container-id ID when the pod's sandbox was recreated."
  })

export const notEthernet = new CommandLineError({
  failed: "cannot capture",
  answer: "the interface is a memif in mode ip, whose packets have no Ethernet header",
  cure: "Capture at the other end of its network, or use memif.mode ethernet."
})
