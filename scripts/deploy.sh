#!/bin/bash
# Puts the plugin on the cluster that kubectl leads to (apply), or takes it off again (delete): examples/kubernetes, with
# the image that IMAGE_REGISTRY and IMAGE_VERSION name. KUBECTL may have options: "kubectl --context lab". AGENT=off: for
# clusters that refuse privileged containers, examples/kubernetes-without-agent.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "$(basename "$0"): $1" >&2 && exit 1; }

verb=${1:-}
options=()
case $verb in
  apply) ;;
  delete) options=(--ignore-not-found) ;;
  *) fail "apply or delete" ;;
esac

case ${AGENT:-on} in
  on) manifests=examples/kubernetes ;;
  off) manifests=examples/kubernetes-without-agent ;;
  *) fail "AGENT is on or off, not $AGENT" ;;
esac

read -ra kubectl <<<"${KUBECTL:-kubectl}"
command -v "${kubectl[0]}" >/dev/null || fail "there is no ${kubectl[0]}: install it (apt-get install kubectl), or name it in KUBECTL"

objects=$("${kubectl[@]}" kustomize "$manifests") ||
  fail "${kubectl[0]} could not render $manifests: it has to know \`kustomize\`, as kubectl does from 1.21"
# The manifests name what `make image` builds when it is told nothing.
default=$(IMAGE_REGISTRY= IMAGE_VERSION= bash scripts/image.sh name)
image=$(bash scripts/image.sh name)
[[ $objects == *"image: $default"* ]] || fail "nothing in $manifests has the image $default: the cluster was not asked"

# Calls that agents have accepted end with the rights that they began with: pods first, then their role and account.
if [ "$verb" = delete ]; then
  "${kubectl[@]}" delete "${options[@]}" --cascade=foreground --timeout=200s --namespace kube-system \
    daemonset/userspace-cni || echo "$(basename "$0"): not all pods of daemonset/userspace-cni have ended; going on" >&2
fi

"${kubectl[@]}" "$verb" "${options[@]}" -f - <<<"${objects//"image: $default"/"image: $image"}" ||
  fail "the cluster did not take all of it, see above. Does it answer (${kubectl[*]} cluster-info)? Its user has to be
allowed to $verb a DaemonSet and a ServiceAccount in kube-system, a ClusterRole, a ClusterRoleBinding and a CustomResourceDefinition. To do it again is safe"
