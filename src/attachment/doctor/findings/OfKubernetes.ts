/** Findings about credentials, rights and pods. */
import { type Entry, error, warning } from "./Entry.ts"

export const kubernetesFindings = {
  "kubeconfig-unusable": error(
    "The kubeconfig of a network, or a file that it names, is missing or cannot be used.",
    "Start the DaemonSet's pod of this node, which writes it, or correct the file.",
    "kubectl -n kube-system logs daemonset/userspace-cni"
  ),
  "credentials-expired": error(
    "The API server does not accept the credentials of the kubeconfig.",
    "Start the DaemonSet's pod of this node again, which renews them.",
    "kubectl -n kube-system rollout restart daemonset/userspace-cni"
  ),
  "credentials-expire": warning(
    "The token or certificate of a kubeconfig ends within an hour, and nothing has renewed it.",
    "Check that the DaemonSet's pod of this node runs: it renews the token before.",
    "kubectl -n kube-system logs daemonset/userspace-cni"
  ),
  "pods-not-readable": error(
    "The user of the kubeconfig may not get pods.",
    "Apply the role in examples/kubernetes/role.yaml.",
    "kubectl auth can-i get pods --as=system:serviceaccount:kube-system:userspace-cni"
  ),
  "pods-not-writable": error(
    "The user of the kubeconfig may not update pods/status.",
    "Apply the role in examples/kubernetes/role.yaml.",
    "kubectl auth can-i update pods --subresource=status --as=system:serviceaccount:kube-system:userspace-cni"
  ),
  "annotations-denied": error(
    "A policy of the cluster denies the annotations of the plugin.",
    "Allow userspace/configuration-data and userspace/mapped-dir in the policy.",
    "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
  ),
  "api-server-away": error(
    "The API server of a kubeconfig does not answer, or is not trusted.",
    "Check that the node reaches the server of the kubeconfig.",
    "kubectl --kubeconfig {file} version"
  ),
  "pod-missing": error(
    "The API server has no such pod.",
    "Check the name, and that the kubeconfig is for this cluster.",
    "kubectl -n {namespace} get pod {name}"
  ),
  "pod-without-volume": error(
    "The pod has no volume shared-dir, or no container mounts it, and the network has no sharedDir.",
    "Give the pod the volume and mount it, or the network a sharedDir.",
    "kubectl -n {namespace} get pod {name} -o yaml"
  ),
  "interface-requested-twice": error(
    "Two networks of the pod's annotation have one interface name: the second ADD fails.",
    "Give each an interface name of its own.",
    "kubectl -n {namespace} get pod {name} -o yaml"
  )
} as const satisfies Readonly<Record<string, Entry>>
