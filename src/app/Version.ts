/** The release. Set by the build. */
export const version = process.env["USERSPACE_VERSION"] ?? "development"
