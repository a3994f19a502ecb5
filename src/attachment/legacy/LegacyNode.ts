/**
 * Attachments of the original plugin and of its fork on a node: those that `userspace list` shows, and those that GC
 * assigns to a network. Ports of the fork have their identity; for the original's there are only state files.
 */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control, Engine } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import { plainHandle, shortId } from "../../identity/Attachment.ts"
import { sandboxTold, whoseText } from "../../identity/ConfigurationData.ts"
import { Files } from "../../platform/Files.ts"
import { Namespaces } from "../../platform/Namespaces.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import type { LegacyPort } from "../../vswitch/Vswitch.ts"
import { type Call, type NetworkCall, socketPathsFor } from "../Call.ts"
import { type ObservedAttachment, observed } from "../ObservedAttachment.ts"
import { Records } from "../records/Records.ts"
