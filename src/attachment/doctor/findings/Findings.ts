/**
 * Everything that `userspace doctor` can find: how bad it is, what it means, what cures it. Identifiers stay as they are from
 * release to release; docs/findings.md is made from this. A name in braces is replaced by what was seen.
 */
import { attachmentFindings } from "./OfAttachments.ts"
import { sharedFindings } from "./OfContainers.ts"
import { kubernetesFindings } from "./OfKubernetes.ts"
import { nodeFindings } from "./OfNode.ts"
import { switchFindings } from "./OfSwitches.ts"

/** In the order of the page. */
export const groups = [
  ["Switches", switchFindings],
  ["The node and its networks", nodeFindings],
  ["Kubernetes", kubernetesFindings],
  ["Attachments", attachmentFindings],
  ["Host and container", sharedFindings]
] as const

export const findings = {
  ...switchFindings,
  ...nodeFindings,
  ...kubernetesFindings,
  ...attachmentFindings,
  ...sharedFindings
}

export type FindingId = keyof typeof findings
