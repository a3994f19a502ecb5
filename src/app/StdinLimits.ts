/** Of standard input, whoever reads it. */

/** More than any configuration with its prevResult; etcd takes objects of 1.5 MiB. */
export const limit = 4 << 20

/** For all of it. */
export const seconds = 15
