/** The services of kubelet's device plugins, for both sides of a test, under the paths of Kubernetes. */
import { join } from "node:path"
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader"

const definitions = loadSync(join(import.meta.dirname, "kubelet.proto"), {
  keepCase: true,
  longs: Number,
  defaults: true
})

const serviceOf = (name: string, prefix: string): ServiceDefinition => {
  const service = definitions[`test.${name}`]
  if (service === undefined || "format" in service) throw new Error(`there is no service ${name}`)
  return Object.fromEntries(
    Object.entries(service).map(([method, definition]) => [method, { ...definition, path: `${prefix}/${method}` }])
  )
}

export const pluginServices = {
  Registration: serviceOf("Registration", "/pluginregistration.Registration"),
  DevicePlugin: serviceOf("DevicePlugin", "/v1beta1.DevicePlugin")
}
