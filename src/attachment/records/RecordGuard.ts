/**
 * Whether a value is a record, as the schema in `Record.ts` has it.
 * Written by `make guards`, not by hand.
 */
import { isReadonlyObject } from "effect/Predicate"
import type { Record } from "./Record.ts"

const isPod = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["namespace"] === "string" &&
  typeof value["name"] === "string" &&
  typeof value["uid"] === "string"

const isPlace = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["directory"] === "string" &&
  typeof value["socketName"] === "string" &&
  typeof value["socketPath"] === "string" &&
  typeof value["switchPath"] === "string" &&
  (value["link"] === undefined || typeof value["link"] === "string") &&
  typeof value["configPath"] === "string" &&
  (value["group"] === undefined || typeof value["group"] === "string") &&
  (value["volume"] === undefined || value["volume"] === "kubelet" || value["volume"] === "runtime")

const isAddresses = (value: unknown): boolean =>
  isReadonlyObject(value) &&
  typeof value["address"] === "string" &&
  (value["gateway"] === undefined || typeof value["gateway"] === "string")

export const isRecord = (value: unknown): value is Record =>
  isReadonlyObject(value) &&
  typeof value["format"] === "number" &&
  Number.isSafeInteger(value["format"]) &&
  typeof value["network"] === "string" &&
  typeof value["containerId"] === "string" &&
  typeof value["ifName"] === "string" &&
  typeof value["netns"] === "string" &&
  (value["pod"] === undefined || isPod(value["pod"])) &&
  typeof value["invocation"] === "string" &&
  typeof value["since"] === "string" &&
  typeof value["handle"] === "string" &&
  isPlace(value["place"]) &&
  Array.isArray(value["made"]) &&
  value["made"].every((one: unknown) => typeof one === "string") &&
  typeof value["mac"] === "string" &&
  (value["addresses"] === undefined ||
    (Array.isArray(value["addresses"]) && value["addresses"].every((one: unknown) => isAddresses(one)))) &&
  (value["device"] === undefined || typeof value["device"] === "string") &&
  (value["deviceInfo"] === undefined || typeof value["deviceInfo"] === "string") &&
  typeof value["configuration"] === "string" &&
  typeof value["args"] === "string"
