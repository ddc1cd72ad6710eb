import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { v7 as uuid } from 'uuid'
import { type Environment, NONE, ON } from '../../shared/environment.ts'
import type { Key, Quota } from '../../shared/keys.ts'
import { NO_QUOTA, parseQuota } from '../../shared/quota.ts'
import { defineHandler } from '../handler.ts'
import { keyStore } from '../keys/dynamodb.ts'
import { keyUse, spentMarks } from '../keys/dynamodb-use.ts'
import { requestQuarantineOf } from '../quarantine/dynamodb.ts'
import { quotaStore } from './dynamodb-quotas.ts'
import { ingest } from './ingest.ts'
import { keyQuotas } from './key-quotas.ts'
import { kinesisPutDependencies, putRecords } from './kinesis.ts'
import { rateLimit } from './rate-limit.ts'
import { spentNotice } from './sns.ts'
import { spentKeys } from './spent-keys.ts'

/** Handles the routes of shared/routes.ts whose function is `ingest`. */
export const handler = defineHandler('ingest', environment => {
  const kinesis = kinesisPutDependencies()
  // One client, so that the first lease finds a connection.
  const dynamodb = new DynamoDBClient({})
  return ingest({
    keys: keyStore(environment.KEYS_TABLE, dynamodb, Date.now, keyUse(environment.KEY_USE_TABLE, dynamodb)),
    quotas: keyQuotas({
      store: quotaStore(environment.KEY_USE_TABLE, dynamodb),
      quotaOf: quotasByScope(environment),
      spentKeys: spentKeys({
        marks: spentMarks(environment.KEY_USE_TABLE, dynamodb),
        notice: spentNotice(environment.ALARM_TOPIC),
        now: Date.now,
      }),
      now: Date.now,
    }),
    signedTraits: environment.SIGNED_TRAITS === ON,
    quarantine: requestQuarantineOf(environment),
    putRecords: records => putRecords(environment.STREAM_NAME, records, kinesis),
    withinRateLimit: environment.KEY_RATE === NONE ? () => true : rateLimit(Number(environment.KEY_RATE), Date.now),
    now: Date.now,
    newId: () => uuid(),
  })
})

/** The quota of a key that has none of its own, by its scope. An admin key has that of write keys. */
function quotasByScope({ CLIENT_QUOTA, WRITE_QUOTA }: Pick<Environment<'ingest'>, 'CLIENT_QUOTA' | 'WRITE_QUOTA'>) {
  const client = parseQuota(CLIENT_QUOTA) ?? NO_QUOTA
  const others = parseQuota(WRITE_QUOTA) ?? NO_QUOTA
  return ({ scope }: Key): Quota => (scope === 'client' ? client : others)
}
