import { readUserItem, userAttributes } from '../../lambdas/state/dynamodb-items.ts'
import { identityHash } from '../../shared/event.ts'
import { shortHash, unpackIdentities } from '../../shared/memory/identities.ts'
import { aUserItem, aVisit } from '../fixtures/builders.ts'

const ARRIVED = 1_700_000_000_123

/** Identities as items had them before pages: groups of an arrival in milliseconds (6 bytes), a number (2 bytes) and the hashes. */
function groupOf(hashes: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc(8 + 8 * hashes.length)
  bytes.writeUIntBE(ARRIVED, 0, 6)
  bytes.writeUInt16BE(hashes.length, 6)
  for (const [at, hash] of hashes.entries()) bytes.writeBigUInt64BE(hash, 8 + 8 * at)
  return bytes
}

test('an item of before the pages is read with its identities', () => {
  const hash = shortHash(identityHash(aVisit('/a', 1)))
  const item = readUserItem({
    pk: { S: 'user#1' },
    sk: { S: 'state' },
    version: { N: '5' },
    seq: { S: '7' },
    identities: { B: Buffer.concat([groupOf([hash]), groupOf([1n, 2n])]) },
    recordHashes: { B: groupOf([3n]) },
    states: { S: '{"a-r1":1}' },
    late: { N: '2' },
    erasedOrd: { N: '0' },
    out: { S: '[]' },
  })
  expect(item).toMatchObject({ user: '1', version: 5, sequenceNumber: '7', states: { 'a-r1': 1 }, late: 2, outbox: [] })
  expect(unpackIdentities(item.identities)).toEqual(
    [hash, 1n, 2n].map(each => ({ hash: each, arrived: 1_700_000_000, stated: undefined })),
  )
  expect(readUserItem(userAttributes(item))).toEqual(item)
})

test('older code finds no states in an item, so that it fails instead of folding without identities', () => {
  const attributes = userAttributes(aUserItem('1', { states: { 'a-r1': 1 } }))
  expect(Object.keys(attributes)).toEqual(['pk', 'sk', 'format', 'version', 'seq', 'st'])
})

test('an item of a newer format is refused with what to do', () => {
  expect(() => readUserItem({ ...userAttributes(aUserItem('1')), format: { N: '3' } })).toThrow(
    'A user item has format 3, which is newer than this code. Deploy the newer version again.',
  )
})
