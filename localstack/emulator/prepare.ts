import type { CloudAccess } from '../credentials.ts'
import { excludeLoopbackFromProxy } from '../loopback.ts'
import { trustCertificates } from './certificates.ts'

/** Makes this process able to call a cloud on this machine: past the proxy of the environment, with the certificates of the cloud. */
export function prepareToCall({ endpoint, certificates }: Pick<CloudAccess, 'endpoint' | 'certificates'>): void {
  excludeLoopbackFromProxy(process.env, new URL(endpoint).hostname)
  if (certificates !== undefined) trustCertificates(certificates)
}
