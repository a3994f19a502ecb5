/** Addresses and routes. VPP: src/vnet/ip/ip.api, src/vnet/fib/fib_types.api. */
import { bool, counted, i32, octets, prefix, struct, text, times, u8, u32 } from "./Field.ts"
import { dump, reply, request } from "./Message.ts"

export const addressDump = dump(
  "ip_address_dump",
  "2d033de4",
  { sw_if_index: u32, is_ipv6: bool },
  reply("ee29b797", { sw_if_index: u32, prefix })
)

const label = struct({ is_uniform: u8, label: u32, ttl: u8, exp: u8 })

const nextHop = struct({ address: octets(16), via_label: u32, obj_id: u32, classify_table_index: u32 })

const path = struct({
  sw_if_index: u32,
  table_id: u32,
  rpf_id: u32,
  weight: u8,
  preference: u8,
  type: u32,
  flags: u32,
  proto: u32,
  nh: nextHop,
  n_labels: u8,
  label_stack: times(16, label)
})

const route = struct({
  table_id: u32,
  stats_index: u32,
  prefix,
  paths: counted("n_paths", u8, path)
})

export const routeAddDel = request(
  "ip_route_add_del",
  "b8ecfe0d",
  { is_add: bool, is_multipath: bool, route },
  reply("1992deab", { retval: i32, stats_index: u32 })
)

/** `exact`, 1: excludes shorter prefixes that contain it. `retval` is not 0 when there is no such route. */
export const routeLookup = request(
  "ip_route_lookup",
  "710d6471",
  { table_id: u32, exact: u8, prefix },
  reply("5d8febcb", { retval: i32, route })
)

/** Of one table and one address family. */
export const routeDump = dump(
  "ip_route_dump",
  "b9d2e09e",
  { table: struct({ table_id: u32, is_ip6: bool, name: text(64) }) },
  reply("bda8f315", { route })
)

/** `type` of a path to a next hop; drop, local and others have other numbers. */
export const normal = 0

/** No next hop: the destination is a neighbour. */
export const attached = new Uint8Array(16)

/** A route over one interface. `hop`: 16 bytes, of which an IPv4 address uses the first four. */
export const routeOver = (index: number, prefix: string, hop: Uint8Array, ipv6: boolean) => ({
  table_id: 0,
  stats_index: 0,
  prefix,
  paths: [
    {
      sw_if_index: index,
      table_id: 0,
      rpf_id: 0,
      weight: 1,
      preference: 0,
      type: normal,
      flags: 0,
      proto: ipv6 ? 1 : 0,
      nh: { address: hop, via_label: 0, obj_id: 0, classify_table_index: 0 },
      n_labels: 0,
      label_stack: Array.from({ length: 16 }, () => ({ is_uniform: 0, label: 0, ttl: 0, exp: 0 }))
    }
  ]
})
