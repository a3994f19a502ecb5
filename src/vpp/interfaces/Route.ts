/** A route over one interface, in the form of `ip_route_add_del`. Pure. VPP: src/vnet/fib/fib_types.api, ip_route. */

/** A path to a next hop; drop, local and others have other numbers. */
export const normal = 0

/** No next hop: the destination is a neighbour. */
export const attached = new Uint8Array(16)

/** `hop`: 16 bytes, of which an IPv4 address uses the first four. */
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
