/**
 * The schema of a result in any version of the specification, as plugins print it. `CniResult.ts` interprets it. A call
 * does not load this module: it uses `AnyResultGuard.ts`, which `make guards` generates. CNI specification 1.1.0,
 * section 5 (Success); 0.1.0 to 0.4.0 for the older forms.
 */
import * as Schema from "effect/Schema"

/** Go writes nil as null; both mean absent. */
const nullable = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Interface = Schema.Struct({
  name: Schema.String,
  mac: nullable(Schema.String),
  mtu: nullable(Schema.Int),
  sandbox: nullable(Schema.String),
  socketPath: nullable(Schema.String),
  pciID: nullable(Schema.String)
})

const Ip = Schema.Struct({
  address: Schema.String,
  gateway: nullable(Schema.String),
  interface: nullable(Schema.Int)
})

const Route = Schema.StructWithRest(Schema.Struct({ dst: Schema.String, gw: nullable(Schema.String) }), [
  Schema.Record(Schema.String, Schema.Unknown)
])

const OldIp = Schema.Struct({
  ip: Schema.String,
  gateway: nullable(Schema.String),
  routes: nullable(Schema.Array(Route))
})

export const AnyResult = Schema.Struct({
  cniVersion: nullable(Schema.String),
  interfaces: nullable(Schema.Array(Interface)),
  ips: nullable(Schema.Array(Ip)),
  routes: nullable(Schema.Array(Route)),
  dns: nullable(Schema.Record(Schema.String, Schema.Unknown)),
  ip4: nullable(OldIp),
  ip6: nullable(OldIp)
})

export type AnyResult = typeof AnyResult.Type
