/** Describes VPP's errors for a container. */
import type { VswitchError } from "../../vswitch/VswitchError.ts"
import { ContainerError } from "../ContainerError.ts"

export const fromVswitch =
  (name: string) =>
  ({ answer, cure, operation }: VswitchError): ContainerError =>
    new ContainerError({ operation: `cannot configure ${name}`, details: [`VPP, ${operation}: ${answer}`], cure })
