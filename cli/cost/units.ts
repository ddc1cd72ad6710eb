import type { AttributeValue } from '@aws-sdk/client-dynamodb'

const KIB = 1024
export const GIB = 2 ** 30
const FIREHOSE_STEP = 5 * KIB
const PUT_PAYLOAD = 25 * KIB
/** CloudWatch adds these bytes to each log line. */
const LOG_LINE_BYTES = 26

const started = (bytes: number, step: number): number => Math.max(1, Math.ceil(bytes / step))

/** Units of a write of an item with this size. */
export const writeUnitsOf = (bytes: number): number => started(bytes, KIB)
/** Units of a consistent read of an item with this size; a read that finds nothing uses one. */
export const readUnitsOf = (bytes: number): number => started(bytes, 4 * KIB)
export const putUnitsOf = (bytes: number): number => started(bytes, PUT_PAYLOAD)
/** Bytes that Firehose bills for a record. */
export const firehoseBytesOf = (bytes: number): number => started(bytes, FIREHOSE_STEP) * FIREHOSE_STEP
/** Bytes that an on-demand stream bills for a record. */
export const onDemandBytesOf = (bytes: number): number => started(bytes, KIB) * KIB
export const logBytesOf = (line: string): number => Buffer.byteLength(line) + LOG_LINE_BYTES

/** The size of an item as DynamoDB counts it: names and values. */
export const itemBytes = (item: Readonly<Record<string, AttributeValue>>): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0)

function valueBytes({ S, N, B, BOOL, NULL, NS, SS, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S)
  if (N !== undefined) return numberBytes(N)
  if (B !== undefined) return B.length
  if (BOOL !== undefined || NULL !== undefined) return 1
  if (NS !== undefined) return NS.reduce((sum, each) => sum + numberBytes(each), 0)
  if (SS !== undefined) return SS.reduce((sum, each) => sum + Buffer.byteLength(each), 0)
  // Lists and maps need 3 bytes, and 1 for each element.
  if (L !== undefined) return 3 + L.reduce((sum, each) => sum + 1 + valueBytes(each), 0)
  return M === undefined ? 0 : 3 + Object.keys(M).length + itemBytes(M)
}

/** About one byte for each two significant digits, and one more. */
const numberBytes = (text: string): number => {
  const digits = text.replace(/^-|e.*$|\./gi, '').replace(/^0+|0+$/g, '')
  return Math.ceil(digits.length / 2) + (text.startsWith('-') ? 2 : 1)
}
