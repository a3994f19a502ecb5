/**
 * The elements that ADD writes, one for each interface: in the annotation `userspace/configuration-data` and in the
 * files `configData-*.json`. Also reads those of the original plugin, which have no mac, and addresses without version;
 * Go writes absent values as null or "". Pure. Written by src/container-config/ContainerData.ts, whose an element is: src/identity/ConfigurationData.ts; documented in
 * docs/container.md.
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeFormatterStandardSchemaV1 } from "effect/SchemaIssue"
import { AnyResult } from "../../cni/types/AnyResult.ts"
import { type CniResult, emptyResult, fromAnyResult } from "../../cni/types/CniResult.ts"
import { type End, Judge, nothing, type Part, pathIn, type Reading, shown } from "./Part.ts"

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const text = nullable(Schema.String)
const number = nullable(Schema.Finite)
const flag = nullable(Schema.Boolean)

const Memif = Schema.Struct({
  role: text,
  mode: text,
  socketfile: text,
  socket: text,
  rxQueues: number,
  txQueues: number,
  ringSize: number,
  bufferSize: number,
  secret: text
})

const Vhost = Schema.Struct({ mode: text, socketfile: text, queues: number, enablePacked: flag })

const Element = Schema.Struct({
  containerId: text,
  ifName: Schema.String,
  name: text,
  config: Schema.Struct({
    iftype: text,
    mtu: number,
    mac: text,
    memif: nullable(Memif),
    vhost: nullable(Vhost)
  }),
  ipResult: nullable(AnyResult)
})
type Element = typeof Element.Type

const decode = Schema.decodeUnknownResult(Element, { errors: "all" })
/** Lists positions without values, because a value may be a secret. */
const formatted = makeFormatterStandardSchemaV1()

/** More interfaces than any pod has; further ones are not read. */
const most = 256

/** Parses text with one element or an array of them. `directory`: where their sockets are in this container. */
export const readConfigurationData = (source: string, directory: string, json: string): Reading => {
  const parsed = Result.try(() => JSON.parse(json) as unknown)
  if (Result.isFailure(parsed)) return { parts: [], problems: [`${source}: not JSON, or truncated`] }
  const elements = Array.isArray(parsed.success) ? parsed.success : [parsed.success]
  const readings = elements.slice(0, most).map((element) => readElement(source, directory, element))
  return {
    parts: readings.flatMap(({ parts }) => parts),
    problems: [
      ...readings.flatMap(({ problems }) => problems),
      ...(elements.length > most ? [`${source}: more than ${most} elements, the rest is ignored`] : [])
    ]
  }
}

const readElement = (source: string, directory: string, value: unknown): Reading => {
  const decoded = decode(value)
  if (Result.isFailure(decoded)) {
    const { issues } = formatted(decoded.failure.issue)
    const where = issues.map(({ path = [] }) =>
      path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
    )
    return { ...nothing, problems: [`${source}: an element is invalid at: ${shown(where.join(", "))}`] }
  }
  const element = decoded.success
  const judge = new Judge(source)
  const name = judge.ifName(element.ifName)
  const end = name === undefined ? undefined : endOf(judge, directory, name, element)
  if (name === undefined || end === undefined) return { parts: [], problems: judge.problems }
  return { parts: [partOf(judge, source, name, end, element)], problems: judge.problems }
}

const partOf = (judge: Judge, source: string, name: string, end: End, element: Element): Part => {
  const result = element.ipResult ? fromAnyResult(element.ipResult) : emptyResult
  const own = result.interfaces.find((one) => one.name === name)
  const { config } = element
  return {
    source,
    name,
    network: judge.network(element.name),
    containerId: judge.containerId(element.containerId),
    end,
    mac: judge.mac(config.mac) ?? judge.mac(own?.mac),
    mtu: judge.number("mtu", 68, 65535, config.mtu || own?.mtu),
    addresses: ipsOf(name, result).flatMap((ip) => judge.address(ip.address, ip.gateway)),
    routes: result.routes.flatMap(({ dst, gw }) => judge.route(String(dst), typeof gw === "string" ? gw : undefined))
  }
}

/** A chained result can contain addresses of other interfaces. */
const ipsOf = (name: string, { interfaces, ips }: CniResult) =>
  ips.filter(({ interface: index }) => {
    const owner = index === undefined ? undefined : interfaces[index]
    return owner === undefined || owner.name === name
  })

const endOf = (judge: Judge, directory: string, name: string, { config }: Element): End | undefined => {
  const { memif, vhost } = config
  const kind = judge.choice("iftype", ["memif", "vhostuser"], memif?.socketfile ? "memif" : "vhostuser", config.iftype)
  if (kind === undefined) return undefined
  const file = (kind === "memif" ? memif : vhost)?.socketfile
  if (file === undefined || file === null || file === "") {
    return judge.problem(`${name}: no socketfile to connect to`)
  }
  return kind === "memif"
    ? memifEnd(judge, directory, file, memif ?? {})
    : vhostEnd(judge, directory, file, vhost ?? {})
}

const socketIn = (judge: Judge, directory: string, file: string): string | undefined =>
  pathIn(directory, file) ?? judge.problem(`socketfile ${shown(file)} is not a name in ${directory}`)

const vhostEnd = (judge: Judge, directory: string, file: string, vhost: typeof Vhost.Type): End | undefined => {
  const mode = judge.choice("vhost.mode", ["client", "server"], "client", vhost.mode)
  const socket = socketIn(judge, directory, file)
  if (mode === undefined || socket === undefined) return undefined
  const queues = judge.number("vhost.queues", 1, 1024, vhost.queues)
  return { kind: "vhost-user", mode, socket, queues, packed: vhost.enablePacked === true }
}

const memifEnd = (judge: Judge, directory: string, file: string, memif: typeof Memif.Type): End | undefined => {
  const role = judge.choice("memif.role", ["master", "slave"], "slave", memif.role)
  const mode = judge.choice("memif.mode", ["ethernet", "ip", "inject-punt"], "ethernet", memif.mode)
  const abstract = memif.socket === "abstract"
  const socket = abstract ? abstractName(judge, file) : socketIn(judge, directory, file)
  if (role === undefined || mode === undefined || socket === undefined) return undefined
  return {
    kind: "memif",
    role,
    mode,
    abstract,
    socket,
    rxQueues: judge.number("memif.rxQueues", 1, 255, memif.rxQueues),
    txQueues: judge.number("memif.txQueues", 1, 255, memif.txQueues),
    ringSize: judge.powerOfTwo("memif.ringSize", 2, 16384, memif.ringSize),
    bufferSize: judge.number("memif.bufferSize", 1, 65535, memif.bufferSize),
    secret: memif.secret ? Redacted.make(memif.secret, { label: "secret" }) : undefined
  }
}

const abstractName = (judge: Judge, file: string): string | undefined =>
  /^[\x21-\x7e]{1,107}$/.test(file) ? file : judge.problem(`socketfile ${shown(file)} is not a name of a socket`)
