import { v7 as uuid } from 'uuid'
import { NONE, ON } from '../../shared/environment.ts'
import { defineHandler } from '../handler.ts'
import { keyStore } from '../keys/dynamodb.ts'
import { keyUse } from '../keys/dynamodb-use.ts'
import { quarantineOf } from '../quarantine/dynamodb.ts'
import { ingest } from './ingest.ts'
import { kinesisPutDependencies, putRecords } from './kinesis.ts'
import { rateLimit } from './rate-limit.ts'

/** Handles the routes of shared/routes.ts whose function is `ingest`. */
export const handler = defineHandler('ingest', environment => {
  const kinesis = kinesisPutDependencies()
  return ingest({
    keys: keyStore(environment.KEYS_TABLE, undefined, undefined, keyUse(environment.KEY_USE_TABLE)),
    signedTraits: environment.SIGNED_TRAITS === ON,
    quarantine: quarantineOf(environment),
    putRecords: records => putRecords(environment.STREAM_NAME, records, kinesis),
    withinRateLimit: environment.KEY_RATE === NONE ? () => true : rateLimit(Number(environment.KEY_RATE), Date.now),
    now: Date.now,
    newId: () => uuid(),
  })
})
