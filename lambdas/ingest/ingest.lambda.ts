import { v7 as uuid } from 'uuid'
import { NONE } from '../../shared/environment.ts'
import { handler as wrap } from '../handler.ts'
import { keyStore } from '../keys/dynamodb.ts'
import { quarantine } from '../quarantine/dynamodb.ts'
import { ingest } from './ingest.ts'
import { putRecords, toKinesis } from './kinesis.ts'
import { rateLimit } from './rate-limit.ts'

/** Takes events in; each path is a route of shared/routes.ts. */
export const handler = wrap('ingest', environment => {
  const kinesis = toKinesis()
  return ingest({
    keys: keyStore(environment.KEYS_TABLE),
    quarantine: quarantine(environment.QUARANTINE_TABLE, environment.QUARANTINE_BUCKET),
    putRecords: records => putRecords(environment.STREAM_NAME, records, kinesis),
    passes: environment.KEY_RATE === NONE ? () => true : rateLimit(Number(environment.KEY_RATE), Date.now),
    now: Date.now,
    newId: () => uuid(),
  })
})
