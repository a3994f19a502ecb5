/** Every message of a {@link VppModel}: all that a call sends, except those of the connection itself. */
import { bridgeDomainMessages } from "./BridgeDomainMessages.ts"
import { interfaceMessages } from "./InterfaceMessages.ts"
import { ipMessages } from "./IpMessages.ts"
import { memifMessages } from "./MemifMessages.ts"
import { policerMessages } from "./PolicerMessages.ts"
import { vhostMessages } from "./VhostMessages.ts"
import type { Handler } from "./VppMessage.ts"

export const vppMessages: ReadonlyArray<Handler> = [
  ...interfaceMessages,
  ...ipMessages,
  ...memifMessages,
  ...vhostMessages,
  ...bridgeDomainMessages,
  ...policerMessages
]
