/**
 * ADD: creates one port on the switch, attaches it to its network, assigns addresses and publishes the container
 * config; or rolls back. The code is its list of steps, each with its undo. CNI specification 1.1.0, section 2.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { ErrorCodes } from "../../cni/types/CniError.ts"
import { type CniResult, chained, emptyResult } from "../../cni/types/CniResult.ts"
import { ContainerConfig, type PodMount } from "../../container-config/ContainerConfig.ts"
import { containerData } from "../../container-config/ContainerData.ts"
import { deviceInfo, deviceInfoPath, socketInContainer } from "../../container-config/DeviceInfo.ts"
import { type Attachment, plainHandle } from "../../identity/Attachment.ts"
import { Ipam } from "../../ipam/Ipam.ts"
import { IncompleteRollback, revertible, rolledBack, step } from "../../program/Step.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { SocketPaths } from "../../shared-dir/SocketPaths.ts"
import { type Found, type Plugged, Vswitch, type VswitchError } from "../../vswitch/Vswitch.ts"
import {
  type Call,
  delegation,
  hasGivenSocket,
  recordFor,
  requestFor,
  socketPathsFor,
  unplugFor,
  wantsAddresses
} from "../Call.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"

/** `answer` writes the result to the caller, as the last step: an ADD whose result cannot be written is rolled back. */
export const add = Effect.fn("ADD")(function* <E, R>(
  call: Call,
  answer: (result: CniResult) => Effect.Effect<void, E, R>
) {
  const sharedDir = yield* SharedDir
  const vswitch = yield* Vswitch
  const containerConfig = yield* ContainerConfig
  const { attachment, configuration } = call

  const site = yield* step("inspect the pod", containerConfig.podMount)
  yield* findDelegate(call)
  let silent: Asked | undefined
  const record = yield* claim(call, site, () => silent)
  const { place } = record
  const asked = vswitch.preflight(requestFor(call, record))
  const looked = Effect.tapError(step("inspect the switch", asked), ({ code }) =>
    Effect.sync(() => {
      if (code === ErrorCodes.TryAgainLater) silent = asked
    })
  )
  const kept = (yield* Records).keep(record)
  const both = { concurrency: "unbounded" } as const
  const plugAndAddresses = wantsAddresses(call)
    ? Effect.gen(function* () {
        // An IPAM plugin may take long, and what a preflight found holds a connection.
        yield* Effect.all([kept, Effect.scoped(looked)], both)
        yield* prepare(place, record)
        const result = yield* address(call)
        const full = withAddresses(record, result)
        const found = yield* step("inspect the switch", vswitch.preflight(requestFor(call, full)))
        return [yield* plug(call, full, found), result] as const
      })
    : Effect.gen(function* () {
        const [, found] = yield* Effect.all([kept, looked], both)
        yield* prepare(place, record)
        // The switch comes first, because a process can be started while it works.
        return yield* Effect.all([plug(call, record, found), address(call)], both)
      })
  const [plugged, addresses] = yield* plugAndAddresses

  if (plugged.socketAt !== undefined) {
    // The rollback removes it with the directory.
    yield* step("publish the socket", sharedDir.publish(place, plugged.socketAt))
  }
  if (madeBySwitch(call)) yield* step("open the socket", sharedDir.open(place))

  const own = resultOf(call, record, plugged, addresses)
  const data = containerData(attachment, configuration.netConf, configuration.port, place, record.mac, own)
  yield* describe(call, record, site)
  yield* revertible("publish the container config", containerConfig.publish(place, data), containerConfig.withdraw)
  yield* settle(call, record, addresses)
  const result = chained(call.previous ?? emptyResult, own)
  yield* answer(result)
  return result
}, rolledBack)

/** Whether the switch creates the socket (the plugin then sets owner and mode) or the application does. */
export const madeBySwitch = ({ configuration: { port } }: Call): boolean =>
  port.iftype === "memif" ? port.role === "master" && !port.abstract : port.mode === "server"

type Asked = Effect.Effect<Found, VswitchError, Scope.Scope>

/** Asks an unreachable switch again. */
type Silent = () => Asked | undefined

const claim = Effect.fnUntraced(function* (call: Call, { volume }: PodMount, silent: Silent) {
  const records = yield* Records
  const sharedDir = yield* SharedDir
  const { attachment } = call
  const made = [
    ...(yield* sharedDir.inspect(socketPathsFor(call, plainHandle(attachment), volume), {
      socket: madeBySwitch(call) && (hasGivenSocket(call) || volume?.device !== undefined)
    })),
    ...(yield* missingForDeviceInfo(call))
  ]
  const invocation = call.invocation ?? crypto.randomUUID()
  const since = new Date(yield* Clock.currentTimeMillis).toISOString()
  return yield* revertible(
    "write the record",
    records.claim(attachment, (handle) => recordFor(call, handle, volume, { invocation, made, since })),
    forget(records, attachment, invocation, silent)
  )
})

/** From here on, `Restore.ts` may recreate the port from the record. */
const settle = Effect.fnUntraced(function* (call: Call, record: Record, addresses: CniResult) {
  const records = yield* Records
  const known = wantsAddresses(call) ? withAddresses(record, addresses) : record
  yield* revertible("write the record", records.settle(known), records.unsettle(record))
})

const withAddresses = (record: Record, { ips }: CniResult): Record => ({
  ...record,
  addresses: ips.map(({ address, gateway }) => ({ address, gateway }))
})

/** The last rollback step. If another one failed, the record is kept for DEL, as after a kill. */
const forget = Effect.fnUntraced(function* (
  records: Records["Service"],
  attachment: Attachment,
  invocation: string,
  silent: Silent
) {
  const { any } = yield* IncompleteRollback
  if (any) return yield* Effect.logWarning("the record is kept for DEL")
  if (yield* isSilent(silent()))
    // The next DEL succeeds without the switch, if that is still down.
    yield* Effect.ignore(records.endUndone(attachment, invocation), {
      log: "Warn",
      message: "could not note that nothing was made"
    })
  yield* records.remove(attachment, invocation)
})

const isSilent = Effect.fnUntraced(function* (asked: Asked | undefined) {
  if (asked === undefined) return false
  // The runtime has already waited once.
  const again = yield* Effect.result(Effect.timeoutOption(Effect.scoped(asked), "1 second"))
  return Result.match(again, {
    onFailure: ({ code }) => code === ErrorCodes.TryAgainLater,
    onSuccess: Option.isNone
  })
})

/** The directory may be shared with another attachment: the rollback restores its group and mode. */
const prepare = Effect.fnUntraced(function* (place: SocketPaths, { made }: Record) {
  const sharedDir = yield* SharedDir
  const before = yield* sharedDir.access(place)
  const release = sharedDir.release(place, made)
  yield* revertible(
    "prepare the shared directory",
    sharedDir.prepare(place),
    before === undefined
      ? release
      : Effect.ensuring(
          release,
          Effect.ignore(sharedDir.restore(place, before), {
            log: "Warn",
            message: "could not restore the directory of the ADD before"
          })
        )
  )
})

const missingForDeviceInfo = Effect.fnUntraced(function* ({ configuration: { netConf } }: Call) {
  const { undescribed } = yield* ContainerConfig
  const path = deviceInfoPath(netConf)
  return path === undefined ? [] : yield* undescribed(path)
})

const plug = (call: Call, record: Record, found: Found) =>
  Effect.flatMap(Vswitch, ({ plug, unplug }) =>
    revertible(
      "plug the port",
      plug(requestFor(call, record), found),
      Effect.andThen(found.release, unplug({ ...unplugFor(call, record), begun: true }))
    )
  )

/** Runs before the first change, because the switch is configured before the plugin runs. */
const findDelegate = Effect.fnUntraced(function* (call: Call) {
  const ipam = yield* Ipam
  const delegate = delegation(call)
  if (delegate !== undefined) yield* ipam.preflight(delegate)
})

const address = Effect.fnUntraced(function* (call: Call) {
  const ipam = yield* Ipam
  const delegate = delegation(call)
  if (delegate === undefined) return emptyResult
  let gave = true
  const asked = Effect.tapError(ipam.add(delegate), ({ reason }) =>
    Effect.sync(() => {
      gave = reason._tag !== "NotFound" && reason._tag !== "Refused"
    })
  )
  // An IPAM plugin that failed, or does not exist, has assigned nothing, and its DEL would fail again.
  const returned = Effect.suspend(() =>
    gave
      ? ipam.del(delegate)
      : Effect.ignore(ipam.del(delegate), {
          log: "Warn",
          message: `${delegate.plugin} has nothing to return, and says`
        })
  )
  return yield* revertible("get addresses", asked, returned)
})

/** Writes the device information for Multus, on request. The rollback restores the previous content. */
const describe = Effect.fnUntraced(function* (
  call: Call,
  { deviceInfo: path, made, place }: Record,
  { mappedDir }: PodMount
) {
  if (path === undefined) return
  const containerConfig = yield* ContainerConfig
  const { netConf, port } = call.configuration
  const before = yield* containerConfig.described(path)
  const info = deviceInfo(port, netConf.container, socketInContainer(port, mappedDir, place.socketName))
  yield* revertible(
    "write the device information",
    containerConfig.describe(path, `${JSON.stringify(info)}\n`, made),
    containerConfig.describe(path, before, made)
  )
})

const resultOf = (call: Call, record: Record, plugged: Plugged, addresses: CniResult): CniResult => {
  const { attachment, configuration } = call
  const mtu = configuration.port.mtu ?? plugged.mtu
  return {
    interfaces: [
      {
        name: attachment.ifName,
        mac: record.mac,
        ...(mtu === undefined ? {} : { mtu }),
        sandbox: attachment.netns,
        socketPath: record.place.socketPath
      }
    ],
    ips: addresses.ips.map((ip) => ({ ...ip, interface: 0 })),
    routes: addresses.routes,
    dns: Object.keys(addresses.dns).length > 0 ? addresses.dns : (configuration.netConf.dns ?? {})
  }
}
