/**
 * What this machine has of what the tests need. A suite names its needs; when one is missing, its tests are skipped with
 * the reason in the suite's name, so that they are counted as skipped and never as passed.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { Vitest } from "@effect/vitest"
import { layer } from "@effect/vitest"
import type { Layer, Scope } from "effect"

const repository = resolve(import.meta.dirname, "../../..")

const { USERSPACE_EXECUTABLE = "dist/userspace" } = process.env

/** The executable under test. The variable names another build of it. */
export const executable = resolve(repository, USERSPACE_EXECUTABLE)
export const cnitool = resolve(repository, ".cache/cnitool")
export const pluginDirectory = "/usr/lib/cni"
export const criProto = "/usr/share/gocode/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto"

const needs = {
  root: { present: () => process.getuid?.() === 0, reason: "not root" },
  executable: { present: () => existsSync(executable), reason: "dist/userspace is not built (make build)" },
  ovs: {
    present: () => existsSync("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk") && existsSync("/dev/net/tun"),
    reason: "no Open vSwitch with DPDK, or no /dev/net/tun"
  },
  testpmd: { present: () => existsSync("/usr/bin/dpdk-testpmd"), reason: "no dpdk-testpmd" },
  hostLocal: { present: () => existsSync(`${pluginDirectory}/host-local`), reason: "no host-local" },
  containerd: {
    present: () =>
      ["/usr/bin/containerd", "/usr/sbin/runc", "/usr/bin/busybox", criProto, `${pluginDirectory}/loopback`].every(
        existsSync
      ),
    reason: "no containerd, runc, busybox-static, loopback or CRI definition"
  },
  cnitool: { present: () => existsSync(cnitool), reason: "cnitool could not be built" }
} as const

export type Need = keyof typeof needs

/** One live layer for all tests of a suite, each test in a scope of its own; or all of them skipped. */
export const onMachine =
  <R, E>(wanted: ReadonlyArray<Need>, live: Layer.Layer<R, E>) =>
  (name: string, define: (test: Vitest.Test<R | Scope.Scope>) => void): void => {
    const absent = wanted.filter((need) => !needs[need].present()).map((need) => needs[need].reason)
    const title = absent.length === 0 ? name : `${name} [skipped: ${absent.join("; ")}]`
    if (absent.length > 0) process.stderr.write(`${title}\n`)
    layer(live, { excludeTestServices: true })(title, (it) => define(it.effect.skipIf(absent.length > 0)))
  }
