import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CONSOLE_KEYS_PATH } from '../../shared/console-link.ts'
import type { LocalOutputs } from '../../shared/outputs.ts'
import { respondWith } from './forward.ts'

/** How long the link of `up` opens the console. */
const CODE_TTL_MS = 60 * 60_000
const CODE_BYTES = 32
const MAX_BODY_BYTES = 1024

/** Where the keys of the console are, and the folder of the codes that may be exchanged for them. */
export interface ConsoleKeys {
  readonly codes: string
  /** The path of outputs.json. */
  readonly outputs: string
}

/** A code is stored as an empty file that is named after its hash: whoever deletes the file has used the code. */
const codeFile = (folder: string, code: string): string => join(folder, createHash('sha256').update(code).digest('hex'))

/** Creates a code that can be exchanged once, within an hour. */
export function createCode(folder: string): string {
  const code = randomBytes(CODE_BYTES).toString('base64url')
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (!isFresh(join(folder, name))) rmSync(join(folder, name), { force: true })
  writeFileSync(codeFile(folder, code), '', { mode: 0o600 })
  return code
}

const isFresh = (file: string): boolean => Date.now() - statSync(file).mtimeMs < CODE_TTL_MS

/** Whether a code was valid. Afterwards it is not. */
function useCode(folder: string, code: string): boolean {
  const file = codeFile(folder, code)
  try {
    const valid = isFresh(file)
    rmSync(file)
    return valid
  } catch {
    return false // no such code, or another request has used it
  }
}

export const isCodeRequest = ({ url }: IncomingMessage): boolean => url === CONSOLE_KEYS_PATH

/** Responds to the console with its keys if the body is a valid code. The Host of the request is local. */
export async function exchangeCode(
  incoming: IncomingMessage,
  response: ServerResponse,
  { codes, outputs }: ConsoleKeys,
): Promise<void> {
  const { method, headers } = incoming
  if (method !== 'POST' || headers.origin !== `http://${headers.host}`)
    return respondWith(response, 403, 'Only the console may exchange a code for keys.')
  if (Number(headers['content-length'] ?? Number.NaN) <= MAX_BODY_BYTES && useCode(codes, await text(incoming))) {
    const { readKey, writeKey, adminKey } = JSON.parse(readFileSync(outputs, 'utf8')) as LocalOutputs
    response.writeHead(200, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    response.end(JSON.stringify({ read: readKey, write: writeKey, admin: adminKey }))
  } else respondWith(response, 401, 'The code was used already, or is too old. Run `npx millrace up` for a new link.')
}
