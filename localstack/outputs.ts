import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createKey } from '../cli/keys.ts'
import type { Target } from '../cli/target.ts'
import type { Scope } from '../shared/keys.ts'
import type { LocalOutputs, StackOutputs } from '../shared/outputs.ts'
import { UserError } from '../shared/user-error.ts'

import { apiUrl } from './api.ts'
import { cloudSettings, REGION } from './ministack.ts'
import { openSearchUrl } from './opensearch.ts'
import { type LocalCloud, outputsFile } from './parts.ts'

/**
 * Writes `outputs.json`, with keys made for this stack. A copy stays with the cloud's state in `keptIn`: only there are
 * the keys known, and the next run goes on with them.
 */
export async function writeOutputs(
  local: LocalCloud,
  endpoint: string,
  stack: StackOutputs,
  keptIn: string,
): Promise<LocalOutputs> {
  const copy = join(keptIn, 'outputs.json')
  const kept = keptOutputs(copy, stack)
  const key = (scope: Scope): Promise<string> => createKey(targetOf(local, endpoint, stack), scope, scope)
  const keys = {
    writeKey: kept?.writeKey ?? (await key('write')),
    readKey: kept?.readKey ?? (await key('read')),
    adminKey: kept?.adminKey ?? (await key('admin')),
  }
  const outputs: LocalOutputs = {
    apiUrl: apiUrl(local.api),
    ...keys,
    opensearchUrl: openSearchUrl(local.openSearch),
    awsEndpointUrl: endpoint,
    region: REGION,
    streamName: stack.StreamName,
    stateTable: stack.StateTable,
    archiveBucket: stack.ArchiveBucket,
    consoleUrl: consoleUrl(apiUrl(local.api), keys),
    stack,
  }
  for (const file of [outputsFile(local), copy]) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(outputs, null, 2)}\n`, { mode: 0o600 })
  }
  return outputs
}

/** The console with its keys behind the #, which browsers keep to themselves; only here is a key ever part of an address. */
const consoleUrl = (
  api: string,
  { writeKey, readKey, adminKey }: Pick<LocalOutputs, 'writeKey' | 'readKey' | 'adminKey'>,
): string => `${api}/#${new URLSearchParams({ read: readKey, write: writeKey, admin: adminKey })}`

function keptOutputs(copy: string, stack: StackOutputs): LocalOutputs | undefined {
  if (!existsSync(copy)) return undefined
  const kept = JSON.parse(readFileSync(copy, 'utf8')) as LocalOutputs
  return kept.stack.KeysTable === stack.KeysTable ? kept : undefined
}

const targetOf = ({ api }: LocalCloud, endpoint: string, stack: StackOutputs): Target => ({
  name: 'the local cloud',
  local: true,
  apiUrl: apiUrl(api),
  outputs: stack,
  aws: cloudSettings(endpoint),
  key: scope => {
    throw new UserError(`There is no ${scope} key yet.`)
  },
})
