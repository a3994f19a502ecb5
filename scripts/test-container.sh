#!/bin/bash
# The unit tests in a container of the distribution that UT_OS names: with its C library, its shell and its tools. From
# here come this directory as it is and Node, which is in node_modules. No network, and nothing is written here.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/image/builder.sh

# Node's one need beside the C library; small images do not have it.
for file in $(ldd node_modules/.bin/node | sed -n 's/.*=> \(.*libatomic[^ ]*\) .*/\1/p'); do cp "$file" "$scratch"; done

# A copy, because tests write: caches, temporary files beside what they test.
inside='set -e
grep ^PRETTY_NAME= /etc/os-release
cp -a /source /work
cd /work
PATH=$PWD/node_modules/.bin:$PATH
# Without a network, some builders leave this to the image.
getent hosts localhost >/dev/null || echo 127.0.0.1 localhost >>/etc/hosts
node --version || for place in /usr/lib /usr/lib64; do [ ! -d $place ] || cp /for-node/* $place; done
exec node node_modules/vitest/vitest.mjs run --project unit'

run "${UT_OS:-debian:13}" --volume "$PWD:/source:ro" --volume "$scratch:/for-node:ro" -- \
  /bin/bash -c "$inside"
