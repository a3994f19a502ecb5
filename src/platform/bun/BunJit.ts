/**
 * When bun compiles what runs often. The executable starts with a policy for a process of one call, which ends before
 * compiled code can pay for its compilation (scripts/build.sh). A process that stays has the time, and
 * pays with memory: of the CPU of the agent's calls this saves a tenth, and bun's own policy (1) a sixth, for 6 MiB more.
 */
export const compileAsUsual = (): void => Bun.unsafe.setJITPolicy(10)
