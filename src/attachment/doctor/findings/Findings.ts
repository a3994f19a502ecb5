/**
 * All findings of `userspace doctor`: severity, meaning and cure. Identifiers are stable between releases;
 * docs/errors.md is generated from this table. A name in braces is replaced by the observed value.
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
