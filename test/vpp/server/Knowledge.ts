/** The whole state of a VPP in TypeScript, one line for each object: equal states are equal VPPs. */
import type { VppServer } from "./VppServer.ts"

export const knowledge = ({ model }: VppServer): ReadonlyArray<string> => {
  const line = (kind: string, value: object) => `vpp ${kind} ${JSON.stringify(value)}`
  const { domains, interfaces, policers, routes, sockets } = model
  return [
    ...[...interfaces.values()].map((one) => line("interface", { ...one, vhost: one.vhost?.sock_filename })),
    ...[...sockets.values()].map(({ id, path, poisoned }) => line("socket", { id, path, poisoned })),
    ...[...domains.values()].map((one) => line("domain", one)),
    ...[...routes.values()].map((one) => line("route", one)),
    ...[...policers.values()].map((one) => line("policer", one))
  ].sort()
}
