/**
 * Whether a value is a network configuration, as the schema in `NetConf.ts` has it. What is wrong with one that is
 * not, the schema says (`SchemaMismatch.ts`).
 * Written by `make guards`, not by hand.
 */
import { isReadonlyObject } from "effect/Predicate"
import type { NetConf } from "./NetConf.ts"
import * as Validators from "./Validators.ts"

const isText = (value: unknown, pattern: RegExp, longest: number): boolean =>
  typeof value === "string" && pattern.test(value) && value.length <= longest

const isInteger = (value: unknown, least: number, most: number): boolean =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most

const isMemif = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["role"] === undefined || value["role"] === "master" || value["role"] === "slave") &&
  (value["mode"] === undefined ||
    value["mode"] === "ethernet" ||
    value["mode"] === "ip" ||
    value["mode"] === "inject-punt") &&
  (value["socketfile"] === undefined || isText(value["socketfile"], /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,80}$/u, 1024)) &&
  (value["socket"] === undefined || value["socket"] === "file" || value["socket"] === "abstract") &&
  (value["rxQueues"] === undefined || isInteger(value["rxQueues"], 1, 255)) &&
  (value["txQueues"] === undefined || isInteger(value["txQueues"], 1, 255)) &&
  (value["ringSize"] === undefined ||
    (typeof value["ringSize"] === "number" &&
      Number.isSafeInteger(value["ringSize"]) &&
      Validators.isRingSize(value["ringSize"]))) &&
  (value["bufferSize"] === undefined || isInteger(value["bufferSize"], 1, 65535)) &&
  (value["secret"] === undefined ||
    (typeof value["secret"] === "string" && Validators.fitsSecret(value["secret"]) && value["secret"].length <= 23)) &&
  (value["noZeroCopy"] === undefined || typeof value["noZeroCopy"] === "boolean") &&
  (value["useDma"] === undefined || typeof value["useDma"] === "boolean")

const isVhost = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["mode"] === undefined || value["mode"] === "client" || value["mode"] === "server") &&
  (value["group"] === undefined || isText(value["group"], /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u, 32)) &&
  (value["socketfile"] === undefined || isText(value["socketfile"], /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,80}$/u, 1024)) &&
  (value["queues"] === undefined || isInteger(value["queues"], 1, 1024)) &&
  (value["enableGso"] === undefined || typeof value["enableGso"] === "boolean") &&
  (value["enablePacked"] === undefined || typeof value["enablePacked"] === "boolean") &&
  (value["enableEventIdx"] === undefined || typeof value["enableEventIdx"] === "boolean") &&
  (value["ingressPolicingRate"] === undefined || isInteger(value["ingressPolicingRate"], 0, 4294967295)) &&
  (value["ingressPolicingBurst"] === undefined || isInteger(value["ingressPolicingBurst"], 0, 4294967295))

const isBridge = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["bridgeName"] === undefined ||
    (typeof value["bridgeName"] === "string" && value["bridgeName"].length <= 255)) &&
  (value["bridgeId"] === undefined || isInteger(value["bridgeId"], 0, 16777215)) &&
  (value["vlanId"] === undefined || isInteger(value["vlanId"], 1, 4094)) &&
  (value["trunks"] === undefined ||
    (Array.isArray(value["trunks"]) && value["trunks"].every((one: unknown) => isInteger(one, 1, 4094)))) &&
  (value["vlanMode"] === undefined ||
    value["vlanMode"] === "access" ||
    value["vlanMode"] === "trunk" ||
    value["vlanMode"] === "native-tagged" ||
    value["vlanMode"] === "native-untagged" ||
    value["vlanMode"] === "dot1q-tunnel")

const isHost = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["engine"] === "vpp" || value["engine"] === "ovs-dpdk") &&
  (value["iftype"] === "memif" || value["iftype"] === "vhostuser") &&
  (value["netType"] === undefined ||
    value["netType"] === "bridge" ||
    value["netType"] === "interface" ||
    value["netType"] === "none") &&
  (value["mtu"] === undefined || isInteger(value["mtu"], 0, 65535)) &&
  (value["mac"] === undefined || isText(value["mac"], /^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/u, 1024)) &&
  (value["memif"] === undefined || isMemif(value["memif"])) &&
  (value["vhost"] === undefined || isVhost(value["vhost"])) &&
  (value["bridge"] === undefined || isBridge(value["bridge"])) &&
  (value["socket"] === undefined || isText(value["socket"], /^\/\P{Cc}*$/u, 1024))

const isContainer = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["engine"] === undefined || value["engine"] === "vpp" || value["engine"] === "ovs-dpdk") &&
  (value["iftype"] === undefined || value["iftype"] === "memif" || value["iftype"] === "vhostuser") &&
  (value["netType"] === undefined ||
    value["netType"] === "bridge" ||
    value["netType"] === "interface" ||
    value["netType"] === "none") &&
  (value["mtu"] === undefined || isInteger(value["mtu"], 0, 65535)) &&
  (value["mac"] === undefined || isText(value["mac"], /^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/u, 1024)) &&
  (value["memif"] === undefined || isMemif(value["memif"])) &&
  (value["vhost"] === undefined || isVhost(value["vhost"])) &&
  (value["bridge"] === undefined || isBridge(value["bridge"]))

const isIpam = (value: unknown): boolean =>
  isReadonlyObject(value) && isText(value["type"], /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u, 255)

export const isNetConf = (value: unknown): value is NetConf =>
  isReadonlyObject(value) &&
  (value["cniVersion"] === undefined || typeof value["cniVersion"] === "string") &&
  isText(value["name"], /^[A-Za-z0-9][A-Za-z0-9_.-]*$/u, 253) &&
  (value["type"] === undefined || typeof value["type"] === "string") &&
  isHost(value["host"]) &&
  (value["container"] === undefined || isContainer(value["container"])) &&
  (value["ipam"] === undefined || isIpam(value["ipam"])) &&
  (value["resourceName"] === undefined ||
    isText(value["resourceName"], /^userspace-cni\/[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/u, 1024)) &&
  (value["deviceID"] === undefined || typeof value["deviceID"] === "string") &&
  (value["sharedDir"] === undefined || isText(value["sharedDir"], /^\/\P{Cc}*$/u, 1024)) &&
  (value["kubeconfig"] === undefined || isText(value["kubeconfig"], /^\/\P{Cc}*$/u, 1024)) &&
  (value["stateDir"] === undefined || isText(value["stateDir"], /^\/\P{Cc}*$/u, 1024)) &&
  (value["logFile"] === undefined || isText(value["logFile"], /^\/\P{Cc}*$/u, 1024)) &&
  (value["logLevel"] === undefined || typeof value["logLevel"] === "string") &&
  (value["logFormat"] === undefined || value["logFormat"] === "text" || value["logFormat"] === "json") &&
  (value["dns"] === undefined || isReadonlyObject(value["dns"])) &&
  (value["capabilities"] === undefined || isReadonlyObject(value["capabilities"])) &&
  (value["runtimeConfig"] === undefined || isReadonlyObject(value["runtimeConfig"])) &&
  (value["args"] === undefined || isReadonlyObject(value["args"])) &&
  (value["prevResult"] === undefined || isReadonlyObject(value["prevResult"]))

/** The keys of each section. */
export const keys = {
  top: [
    "cniVersion",
    "name",
    "type",
    "host",
    "container",
    "ipam",
    "resourceName",
    "deviceID",
    "sharedDir",
    "kubeconfig",
    "stateDir",
    "logFile",
    "logLevel",
    "logFormat",
    "dns",
    "capabilities",
    "runtimeConfig",
    "args",
    "prevResult"
  ],
  host: ["engine", "iftype", "netType", "mtu", "mac", "memif", "vhost", "bridge", "socket"],
  container: ["engine", "iftype", "netType", "mtu", "mac", "memif", "vhost", "bridge"],
  memif: [
    "role",
    "mode",
    "socketfile",
    "socket",
    "rxQueues",
    "txQueues",
    "ringSize",
    "bufferSize",
    "secret",
    "noZeroCopy",
    "useDma"
  ],
  vhost: [
    "mode",
    "group",
    "socketfile",
    "queues",
    "enableGso",
    "enablePacked",
    "enableEventIdx",
    "ingressPolicingRate",
    "ingressPolicingBurst"
  ],
  bridge: ["bridgeName", "bridgeId", "vlanId", "trunks", "vlanMode"]
} as const
