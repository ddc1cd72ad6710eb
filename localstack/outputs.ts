import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { createKey } from '../lambdas/keys/dynamodb-admin.ts'
import type { Scope } from '../shared/keys.ts'
import type { LocalOutputs, StackOutputs } from '../shared/outputs.ts'
import { apiUrl } from './api.ts'
import type { CloudAccess } from './credentials.ts'
import { cloudSettings, REGION } from './ministack.ts'
import { openSearchUrl } from './opensearch.ts'
import { type LocalCloud, outputsFile } from './parts.ts'
import { writeWhole } from './whole-file.ts'

/**
 * Writes `outputs.json`, with keys created for this stack. A copy is kept with the cloud's state in `stateFolder`: the keys
 * are stored nowhere else, and the next run reuses them.
 */
export async function writeOutputs(
  local: LocalCloud,
  cloud: CloudAccess,
  stack: StackOutputs,
  stateFolder: string,
): Promise<LocalOutputs> {
  const copy = join(stateFolder, 'outputs.json')
  const previous = previousOutputs(copy, stack)
  const client = new DynamoDBClient(cloudSettings(cloud))
  const key = async (scope: Scope): Promise<string> =>
    (await createKey({ client, table: stack.KeysTable }, { name: scope, scope, ...(scope === 'write' && { sources: '*' }) })).key
  const keys = {
    writeKey: previous?.writeKey ?? (await key('write')),
    readKey: previous?.readKey ?? (await key('read')),
    adminKey: previous?.adminKey ?? (await key('admin')),
  }
  const outputs: LocalOutputs = {
    apiUrl: apiUrl(local.api),
    ...keys,
    opensearchUrl: openSearchUrl(local.openSearch),
    awsEndpointUrl: cloud.endpoint,
    ...cloud.credentials,
    ...(cloud.certificates && { certificates: cloud.certificates }),
    region: REGION,
    streamName: stack.StreamName,
    stateTable: stack.StateTable,
    archiveBucket: stack.ArchiveBucket,
    consoleUrl: `${apiUrl(local.api)}/`,
    stack,
  }
  for (const file of [copy, outputsFile(local)]) writeWhole(file, `${JSON.stringify(outputs, null, 2)}\n`, 0o600)
  return outputs
}

function previousOutputs(copy: string, stack: StackOutputs): LocalOutputs | undefined {
  if (!existsSync(copy)) return undefined
  const previous = JSON.parse(readFileSync(copy, 'utf8')) as LocalOutputs
  return previous.stack.KeysTable === stack.KeysTable ? previous : undefined
}
