/**
 * A virtual machine's domain with the vhost-user interfaces of its pod: the XML for libvirt, changed where an interface needs
 * it and nowhere else. A domain that has them already is left as it is. Pure. https://libvirt.org/formatdomain.html, "vhost-user
 * interface" and "Memory Backing".
 */
import { DOMParser, type Document, type Element, type Node, onErrorStopParsing, XMLSerializer } from "@xmldom/xmldom"
import * as Result from "effect/Result"

export interface Interface {
  /** The network's name in the virtual machine. */
  readonly network: string
  /** The socket's path, for QEMU. */
  readonly path: string
  /** `server`: QEMU makes the socket, and the switch connects. */
  readonly mode: "client" | "server"
  readonly mac: string | undefined
  readonly mtu: number | undefined
  /** Pairs of queues. */
  readonly queues: number
}

/** Why the domain cannot have the interfaces, and what to do. */
export interface Refusal {
  readonly failed: string
  readonly cure: string
}

type Attributes = Readonly<Record<string, string>>

export const withInterfaces = (text: string, interfaces: ReadonlyArray<Interface>): Result.Result<string, Refusal> =>
  Result.gen(function* () {
    const document = yield* parsed(text)
    const domain = document.documentElement
    const devices = domain === null ? undefined : childrenOf(domain, "devices")[0]
    if (domain === null || devices === undefined) return yield* refuse("the domain has no devices", report)
    if (interfaces.length === 0) return text
    yield* shareMemory(document, domain)
    for (const one of interfaces) {
      attach(document, devices, one)
      if (one.mtu !== undefined) tellMtu(document, domain, aliasOf(one), one.mtu)
    }
    return new XMLSerializer().serializeToString(document)
  })

const report = "Report it with the domain: KubeVirt gives another one than the plugin knows."

const refuse = (failed: string, cure: string) => Result.fail<Refusal>({ failed, cure })

const parsed = (text: string): Result.Result<Document, Refusal> =>
  Result.mapError(
    Result.try(() => new DOMParser({ onError: onErrorStopParsing }).parseFromString(text, "text/xml")),
    (cause) => ({ failed: `the domain is not XML: ${String(cause)}`, cure: report })
  )

const isElement = (node: Node): node is Element => node.nodeType === node.ELEMENT_NODE

const childrenOf = (parent: Element, name: string): ReadonlyArray<Element> =>
  Array.from(parent.childNodes).filter((node): node is Element => isElement(node) && node.tagName === name)

/** The first child of that name, made when it is missing, with these attributes besides its own. */
const ensured = (document: Document, parent: Element, name: string, attributes: Attributes = {}): Element => {
  const [there] = childrenOf(parent, name)
  const element = there ?? document.createElement(name)
  if (there === undefined) parent.appendChild(element)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}

/** The switch maps the guest's memory. */
const shareMemory = (document: Document, domain: Element): Result.Result<void, Refusal> => {
  const [backing] = childrenOf(domain, "memoryBacking")
  if (backing === undefined || childrenOf(backing, "hugepages").length === 0) {
    return refuse(
      "the virtual machine has no hugepages, which a vhost-user interface needs",
      "Set spec.domain.memory.hugepages.pageSize of the virtual machine, and reserve such pages on the node."
    )
  }
  ensured(document, backing, "access", { mode: "shared" })
  return Result.succeed(undefined)
}

/** KubeVirt finds an interface again by its alias. */
const aliasOf = ({ network }: Interface): string => `ua-${network}`

const qemu = "http://libvirt.org/schemas/domain/qemu/1.0"

/**
 * The MTU that the guest's driver reads. libvirt's own element sets it on an interface of the host, and there is none: with it
 * the machine does not start (libvirt 11.3, "Cannot set interface MTU").
 */
const tellMtu = (document: Document, domain: Element, alias: string, mtu: number): void => {
  domain.setAttributeNS("http://www.w3.org/2000/xmlns/", "xmlns:qemu", qemu)
  const make = (parent: Element, name: string, attributes: Attributes = {}): Element => {
    const is = (element: Element) =>
      Object.entries(attributes).every(([key, value]) => element.getAttribute(key) === value)
    const there = childrenOf(parent, name).find(is)
    if (there !== undefined) return there
    const element = document.createElementNS(qemu, name)
    parent.appendChild(element)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    return element
  }
  const device = make(make(domain, "qemu:override"), "qemu:device", { alias })
  make(make(device, "qemu:frontend"), "qemu:property", { name: "host_mtu", type: "unsigned", value: String(mtu) })
}

const attach = (document: Document, devices: Element, one: Interface): void => {
  const interfaces = childrenOf(devices, "interface")
  const alias = aliasOf(one)
  const there = interfaces.find((element) => childrenOf(element, "alias")[0]?.getAttribute("name") === alias)
  const element = there ?? document.createElement("interface")
  if (there === undefined) {
    const last = interfaces.at(-1)
    devices.insertBefore(element, last === undefined ? null : last.nextSibling)
  }
  element.setAttribute("type", "vhostuser")
  if (one.mac !== undefined) ensured(document, element, "mac", { address: one.mac })
  const source = ensured(document, element, "source", { type: "unix", path: one.path, mode: one.mode })
  // A switch that was restarted listens again; QEMU has to come back by itself.
  if (one.mode === "client") ensured(document, source, "reconnect", { enabled: "yes", timeout: "1" })
  if (childrenOf(element, "model").length === 0)
    ensured(document, element, "model", { type: "virtio-non-transitional" })
  if (one.queues > 1) ensured(document, element, "driver", { name: "vhost", queues: String(one.queues) })
  ensured(document, element, "alias", { name: alias })
}
