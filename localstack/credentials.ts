import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../shared/user-error.ts'
import { isSameAddress } from './emulator/address.ts'
import { writeWhole } from './whole-file.ts'

/** The access key that an emulated cloud demands of every call. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Only of temporary credentials for an emulator that somebody else started. */
  readonly sessionToken?: string
}

/** Where an emulated cloud responds, and its access key. */
export interface CloudAccess {
  readonly endpoint: string
  readonly credentials: Credentials
  /** A file of certificates that are trusted beside the usual ones. */
  readonly certificates?: string
}

const KEY_BYTES = 16

const credentialsFile = (folder: string): string => join(folder, 'credentials.json')

/** Makes up the access key of a cloud that is about to start, and stores it in the cloud's folder. */
export function createCredentials(folder: string): Credentials {
  const random = (): string => randomBytes(KEY_BYTES).toString('hex')
  // A key of 12 digits would be the number of an account.
  const credentials = { accessKeyId: `LOCAL${random()}`, secretAccessKey: random() }
  writeWhole(credentialsFile(folder), JSON.stringify(credentials), 0o600)
  return credentials
}

/** The access key of the cloud that was started in this folder. Throws a UserError if there is none. */
export function readCredentials(folder: string): Credentials {
  const file = credentialsFile(folder)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Credentials
  throw new UserError('The local cloud runs without an access key. Run `npx millrace down`, then `npx millrace up`.')
}

/**
 * The access key of a cloud that somebody else started at `endpoint`. Those of the AWS_* variables count only if AWS_ENDPOINT_URL says
 * that they are for this cloud; profiles never do, so those of an AWS account are not sent.
 */
export function credentialsElsewhere(endpoint: string, environment: Readonly<Record<string, string | undefined>>): Credentials {
  const key = environment['MILLRACE_CLOUD_KEY']
  if (key) return { accessKeyId: key, secretAccessKey: key }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment
  if (isSameAddress(endpoint, environment['AWS_ENDPOINT_URL']) && accessKeyId && secretAccessKey)
    return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
  return { accessKeyId: 'test', secretAccessKey: 'test' } // most emulators accept any
}
