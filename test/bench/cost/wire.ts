import type { KinesisStreamRecord } from 'aws-lambda'
import { firehoseBytesOf, onDemandBytesOf, putUnitsOf } from '../../../cli/cost/units.ts'
import type { StreamRecord } from '../../../lambdas/ingest/plan-records.ts'
import type { PostedRequest } from './mixes.ts'

export const SHARD = 'shardId-000000000000'

/** What went over the wire, as API Gateway, Kinesis and Firehose bill it. */
export interface Wire {
  requests: number
  requestBytes: number
  records: number
  bytes: number
  putUnits: number
  onDemandBytes: number
  firehoseBytes: number
}

export const newWire = (): Wire => ({
  ...{ requests: 0, requestBytes: 0, records: 0, bytes: 0, putUnits: 0, onDemandBytes: 0, firehoseBytes: 0 },
})

export function countRequest(wire: Wire, { body }: PostedRequest): void {
  wire.requests += 1
  wire.requestBytes += Buffer.byteLength(body)
}

export function countRecord(wire: Wire, { bytes, partitionKey }: StreamRecord): void {
  wire.records += 1
  wire.bytes += bytes
  wire.putUnits += putUnitsOf(bytes + Buffer.byteLength(partitionKey))
  wire.onDemandBytes += onDemandBytesOf(bytes)
  wire.firehoseBytes += firehoseBytesOf(bytes)
}

/** A request as API Gateway passes it to ingest. */
export const requestInput = ({ path, body }: PostedRequest): object => ({
  ...{ version: '2.0', routeKey: `POST ${path}`, rawPath: path, rawQueryString: '', body, isBase64Encoded: false },
  headers: {
    host: 'events.example.com',
    'content-type': 'application/json',
    authorization: `Basic ${btoa(`${'k'.repeat(40)}:`)}`,
  },
  requestContext: { requestId: 'Jk3vHhYnoAMEPKw=', http: { method: 'POST', path }, domainName: 'events.example.com' },
})

/** A record of the event stream as Lambda passes it to its readers. `arrived` in milliseconds since 1970. */
export const readerRecord = (
  { partitionKey, data }: StreamRecord,
  sequenceNumber: string,
  arrived: number,
): KinesisStreamRecord => ({
  ...{ eventSource: 'aws:kinesis', eventVersion: '1.0', eventID: `${SHARD}:${sequenceNumber}` },
  ...{ eventName: 'aws:kinesis:record', awsRegion: 'us-east-1' },
  kinesis: {
    ...{ kinesisSchemaVersion: '1.0', partitionKey, sequenceNumber, data: Buffer.from(data).toString('base64') },
    approximateArrivalTimestamp: arrived / 1000,
  },
  invokeIdentityArn: 'arn:aws:iam::123456789012:role/millrace-prod-StateFunctionRole12345678-ABCDEFGHIJKL',
  eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/millrace-prod-EventStreamStream12345678-ABCDEFGHIJKL',
})
