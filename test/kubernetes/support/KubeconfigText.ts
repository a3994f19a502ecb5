/** Kubeconfigs as the usual tools write them: YAML, with more content than is used. */
import { pem } from "../../platform/support/HttpsPeer.ts"

export interface Wanted {
  readonly server: string
  readonly token?: string
  /** Lines of the cluster besides server. */
  readonly cluster?: ReadonlyArray<string>
  /** Lines of the user, instead of the token. */
  readonly user?: ReadonlyArray<string>
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64")

export const trusted = [`certificate-authority-data: ${base64(pem("ca.crt"))}`]

export const kubeconfigText = ({ cluster = trusted, server, token, user = [`token: ${token}`] }: Wanted): string => `\
# Kubeconfig file for a CNI plugin.
apiVersion: v1
kind: Config
preferences: {}
clusters:
- name: elsewhere
  cluster:
    server: https://127.0.0.1:1
- name: local
  cluster:
    server: ${server}
${cluster.map((line) => `    ${line}`).join("\n")}
users:
- name: "plugin"
  user:
${user.map((line) => `    ${line}`).join("\n")}
contexts:
- context: { cluster: elsewhere, user: plugin }
  name: other
- context:
    cluster: local
    user: plugin
    namespace: kube-system
  name: plugin-context
current-context: plugin-context
`
