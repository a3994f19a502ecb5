/**
 * When bun compiles what runs often. The executable starts with a policy for a process of one call, which ends before
 * compiled code can pay for its compilation (scripts/build.sh). A process that stays takes bun's own: of the CPU of the
 * agent's calls that saves a sixth.
 */
export const compileAsUsual = (): void => Bun.unsafe.setJITPolicy(1)
