import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import tls from 'node:tls'
import { UserError } from '../../shared/user-error.ts'
import { writeWhole } from '../whole-file.ts'

const VARIABLES = ['NODE_EXTRA_CA_CERTS', 'AWS_CA_BUNDLE'] as const

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Copies the certificates that the user trusts beside the usual ones into one file of `folder`, for the processes of the local cloud.
 * Returns the file; undefined without any. Throws a UserError.
 */
export function copyCertificates(folder: string, environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const certificates = VARIABLES.flatMap(name => certificatesOf(name, environment[name]))
  if (certificates.length === 0) return undefined
  const file = join(folder, 'certificates.pem')
  mkdirSync(folder, { recursive: true })
  writeWhole(file, `${certificates.join('\n')}\n`)
  return file
}

function certificatesOf(name: string, file: string | undefined): string[] {
  if (!file) return []
  const certificates = existsSync(file) ? readFileSync(file, 'utf8').match(CERTIFICATE) : null
  if (certificates) return certificates
  throw new UserError(
    `${name} is ${file}, which is no file with a certificate. Set it to the PEM file of the emulator's certificate authority.`,
  )
}

/** Makes this process trust the certificates of a file beside the usual ones. Throws a UserError. */
export function trustCertificates(file: string): void {
  const certificates = readFileSync(file, 'utf8').match(CERTIFICATE) ?? []
  try {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...certificates])
  } catch {
    throw new UserError(
      `${file} contains a damaged certificate. Set AWS_CA_BUNDLE to the PEM file of the emulator's certificate authority, and run \`npx millrace up\` again.`,
    )
  }
}
