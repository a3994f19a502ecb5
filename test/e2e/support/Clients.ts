/**
 * Suites of the process of a call through the agent, on both that can be it: the executable, and the client in C beside
 * it, as `userspace install` puts them on a node.
 */
import type { Vitest } from "@effect/vitest"
import type { Scope } from "effect"
import { CniNode } from "./CniNode.ts"
import type { Need } from "./Machine.ts"
import { onMachine } from "./Suite.ts"

export const onBothClients =
  (needs: ReadonlyArray<Need>) =>
  (name: string, define: (test: Vitest.Test<CniNode | Scope.Scope>) => void): void => {
    onMachine(needs, CniNode.layer)(`${name}, from the executable`, define)
    onMachine([...needs, "clientInC"], CniNode.installed)(`${name}, from the client in C`, define)
  }
