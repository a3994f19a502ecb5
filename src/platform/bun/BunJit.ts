/**
 * bun's JIT policy. The executable starts with a policy for a process of one call, which ends before compiled code pays
 * for its compilation (scripts/build.sh). A process that stays has the time, and pays with memory. This saves a tenth
 * of the CPU of the agent's calls; bun's own policy (1) would save a sixth, for 6 MiB more.
 */
export const compileAsUsual = (): void => Bun.unsafe.setJITPolicy(10)
