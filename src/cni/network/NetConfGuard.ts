/**
 * Whether a value is a network configuration, as the schema in `NetConf.ts` has it. What is wrong with one that is
 * not, the schema says (`SchemaMismatch.ts`).
 * Written by `make guards`, not by hand.
 */
import { isReadonlyObject } from "effect/Predicate"
import type { NetConf } from "./NetConf.ts"
import * as Validators from "./Validators.ts"

const isMemif = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["role"] === undefined || value["role"] === "master" || value["role"] === "slave") &&
  (value["mode"] === undefined ||
    value["mode"] === "ethernet" ||
    value["mode"] === "ip" ||
    value["mode"] === "inject-punt") &&
  (value["socketfile"] === undefined ||
    (typeof value["socketfile"] === "string" &&
      /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,80}$/u.test(value["socketfile"]) &&
      value["socketfile"].length <= 1024)) &&
  (value["socket"] === undefined || value["socket"] === "file" || value["socket"] === "abstract") &&
  (value["rxQueues"] === undefined ||
    (typeof value["rxQueues"] === "number" &&
      Number.isSafeInteger(value["rxQueues"]) &&
      value["rxQueues"] >= 1 &&
      value["rxQueues"] <= 255)) &&
  (value["txQueues"] === undefined ||
    (typeof value["txQueues"] === "number" &&
      Number.isSafeInteger(value["txQueues"]) &&
      value["txQueues"] >= 1 &&
      value["txQueues"] <= 255)) &&
  (value["ringSize"] === undefined ||
    (typeof value["ringSize"] === "number" &&
      Number.isSafeInteger(value["ringSize"]) &&
      Validators.isRingSize(value["ringSize"]))) &&
  (value["bufferSize"] === undefined ||
    (typeof value["bufferSize"] === "number" &&
      Number.isSafeInteger(value["bufferSize"]) &&
      value["bufferSize"] >= 1 &&
      value["bufferSize"] <= 65535)) &&
  (value["secret"] === undefined ||
    (typeof value["secret"] === "string" && Validators.fitsSecret(value["secret"]) && value["secret"].length <= 23)) &&
  (value["noZeroCopy"] === undefined || typeof value["noZeroCopy"] === "boolean") &&
  (value["useDma"] === undefined || typeof value["useDma"] === "boolean")

const isVhost = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["mode"] === undefined || value["mode"] === "client" || value["mode"] === "server") &&
  (value["group"] === undefined ||
    (typeof value["group"] === "string" &&
      /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u.test(value["group"]) &&
      value["group"].length <= 32)) &&
  (value["socketfile"] === undefined ||
    (typeof value["socketfile"] === "string" &&
      /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,80}$/u.test(value["socketfile"]) &&
      value["socketfile"].length <= 1024)) &&
  (value["queues"] === undefined ||
    (typeof value["queues"] === "number" &&
      Number.isSafeInteger(value["queues"]) &&
      value["queues"] >= 1 &&
      value["queues"] <= 1024)) &&
  (value["enableGso"] === undefined || typeof value["enableGso"] === "boolean") &&
  (value["enablePacked"] === undefined || typeof value["enablePacked"] === "boolean") &&
  (value["enableEventIdx"] === undefined || typeof value["enableEventIdx"] === "boolean") &&
  (value["ingressPolicingRate"] === undefined ||
    (typeof value["ingressPolicingRate"] === "number" &&
      Number.isSafeInteger(value["ingressPolicingRate"]) &&
      value["ingressPolicingRate"] >= 0 &&
      value["ingressPolicingRate"] <= 4294967295)) &&
  (value["ingressPolicingBurst"] === undefined ||
    (typeof value["ingressPolicingBurst"] === "number" &&
      Number.isSafeInteger(value["ingressPolicingBurst"]) &&
      value["ingressPolicingBurst"] >= 0 &&
      value["ingressPolicingBurst"] <= 4294967295))

const isBridge = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["bridgeName"] === undefined ||
    (typeof value["bridgeName"] === "string" && value["bridgeName"].length <= 255)) &&
  (value["bridgeId"] === undefined ||
    (typeof value["bridgeId"] === "number" &&
      Number.isSafeInteger(value["bridgeId"]) &&
      value["bridgeId"] >= 0 &&
      value["bridgeId"] <= 16777215)) &&
  (value["vlanId"] === undefined ||
    (typeof value["vlanId"] === "number" &&
      Number.isSafeInteger(value["vlanId"]) &&
      value["vlanId"] >= 1 &&
      value["vlanId"] <= 4094)) &&
  (value["trunks"] === undefined ||
    (Array.isArray(value["trunks"]) &&
      value["trunks"].every(
        (one: unknown) => typeof one === "number" && Number.isSafeInteger(one) && one >= 1 && one <= 4094
      ))) &&
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
  (value["mtu"] === undefined ||
    (typeof value["mtu"] === "number" &&
      Number.isSafeInteger(value["mtu"]) &&
      value["mtu"] >= 0 &&
      value["mtu"] <= 65535)) &&
  (value["mac"] === undefined ||
    (typeof value["mac"] === "string" &&
      /^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/u.test(value["mac"]) &&
      value["mac"].length <= 1024)) &&
  (value["memif"] === undefined || isMemif(value["memif"])) &&
  (value["vhost"] === undefined || isVhost(value["vhost"])) &&
  (value["bridge"] === undefined || isBridge(value["bridge"])) &&
  (value["socket"] === undefined ||
    (typeof value["socket"] === "string" && /^\/\P{Cc}*$/u.test(value["socket"]) && value["socket"].length <= 1024))

const isContainer = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  (value["engine"] === undefined || value["engine"] === "vpp" || value["engine"] === "ovs-dpdk") &&
  (value["iftype"] === undefined || value["iftype"] === "memif" || value["iftype"] === "vhostuser") &&
  (value["netType"] === undefined ||
    value["netType"] === "bridge" ||
    value["netType"] === "interface" ||
    value["netType"] === "none") &&
  (value["mtu"] === undefined ||
    (typeof value["mtu"] === "number" &&
      Number.isSafeInteger(value["mtu"]) &&
      value["mtu"] >= 0 &&
      value["mtu"] <= 65535)) &&
  (value["mac"] === undefined ||
    (typeof value["mac"] === "string" &&
      /^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/u.test(value["mac"]) &&
      value["mac"].length <= 1024)) &&
  (value["memif"] === undefined || isMemif(value["memif"])) &&
  (value["vhost"] === undefined || isVhost(value["vhost"])) &&
  (value["bridge"] === undefined || isBridge(value["bridge"]))

const isIpam = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["type"] === "string" &&
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u.test(value["type"]) &&
  value["type"].length <= 255

export const isNetConf = (value: unknown): value is NetConf =>
  isReadonlyObject(value) &&
  (value["cniVersion"] === undefined || typeof value["cniVersion"] === "string") &&
  typeof value["name"] === "string" &&
  /^[A-Za-z0-9][A-Za-z0-9_.-]*$/u.test(value["name"]) &&
  value["name"].length <= 253 &&
  (value["type"] === undefined || typeof value["type"] === "string") &&
  isHost(value["host"]) &&
  (value["container"] === undefined || isContainer(value["container"])) &&
  (value["ipam"] === undefined || isIpam(value["ipam"])) &&
  (value["sharedDir"] === undefined ||
    (typeof value["sharedDir"] === "string" &&
      /^\/\P{Cc}*$/u.test(value["sharedDir"]) &&
      value["sharedDir"].length <= 1024)) &&
  (value["kubeconfig"] === undefined ||
    (typeof value["kubeconfig"] === "string" &&
      /^\/\P{Cc}*$/u.test(value["kubeconfig"]) &&
      value["kubeconfig"].length <= 1024)) &&
  (value["stateDir"] === undefined ||
    (typeof value["stateDir"] === "string" &&
      /^\/\P{Cc}*$/u.test(value["stateDir"]) &&
      value["stateDir"].length <= 1024)) &&
  (value["logFile"] === undefined ||
    (typeof value["logFile"] === "string" &&
      /^\/\P{Cc}*$/u.test(value["logFile"]) &&
      value["logFile"].length <= 1024)) &&
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
