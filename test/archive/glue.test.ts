import {
  AlreadyExistsException,
  BatchUpdatePartitionCommand,
  CreatePartitionCommand,
  GetTableCommand,
  GlueClient,
  type PartitionInput,
} from '@aws-sdk/client-glue'
import { mockClient } from 'aws-sdk-client-mock'
import { gluePartitions } from '../../lambdas/archive/glue.ts'

const DT = '2026-01-31'
const REPETITIONS = `s3://bucket/repetitions/dt=${DT}/`
const ROWS = `s3://bucket/archive/dt=${DT}/`

/** Glue with the partitions of both tables. It ends the caller at the write with this number, counted from 0. */
function aGlue(endsAt = Number.POSITIVE_INFINITY) {
  const client = new GlueClient({ region: 'any' })
  const calls = mockClient(client)
  const locations = new Map<string, string>()
  const moves: string[] = []
  let writes = 0
  const write = (table: string, { StorageDescriptor }: PartitionInput): void => {
    if (writes++ >= endsAt) throw new Error('The function has ended.')
    locations.set(table, StorageDescriptor?.Location ?? '')
    moves.push(table)
  }
  calls.on(GetTableCommand).callsFake(({ Name }) => ({ Table: { Name, StorageDescriptor: { Columns: [] } } }))
  calls.on(CreatePartitionCommand).callsFake(({ TableName, PartitionInput }) => {
    if (locations.has(TableName)) throw new AlreadyExistsException({ message: 'exists', $metadata: {} })
    write(TableName, PartitionInput)
    return {}
  })
  calls.on(BatchUpdatePartitionCommand).callsFake(({ TableName, Entries }) => {
    write(TableName, Entries[0].PartitionInput)
    return {}
  })
  return { partitions: gluePartitions('database', 'bucket', client), locations, moves }
}

test('the partition of repetitions moves before that of archive, at the first run of a day and at later ones', async () => {
  const { partitions, locations, moves } = aGlue()
  await partitions.point(DT)
  expect(Object.fromEntries(locations)).toEqual({ repetitions: `${REPETITIONS}none/`, archive: `s3://bucket/events/dt=${DT}/` })
  await partitions.point(DT, 'run1')
  await partitions.point(DT, 'run2')
  expect(moves).toEqual(['repetitions', 'archive', 'repetitions', 'archive', 'repetitions', 'archive'])
  expect(Object.fromEntries(locations)).toEqual({ repetitions: `${REPETITIONS}run2/`, archive: `${ROWS}run2/` })
})

test('a function that ends between the moves leaves the rows of before with the repetitions of the new run; the next one repairs it', async () => {
  const { partitions, locations } = aGlue(3)
  await partitions.point(DT)
  await expect(partitions.point(DT, 'run1')).rejects.toThrow('The function has ended.')
  expect(Object.fromEntries(locations)).toEqual({ repetitions: `${REPETITIONS}run1/`, archive: `s3://bucket/events/dt=${DT}/` })
  const next = aGlue()
  for (const [table, location] of locations) next.locations.set(table, location)
  await next.partitions.point(DT, 'run1')
  expect(Object.fromEntries(next.locations)).toEqual({ repetitions: `${REPETITIONS}run1/`, archive: `${ROWS}run1/` })
})

test('a day that is registered ahead leaves a day that was compacted meanwhile as it is', async () => {
  const { partitions, locations, moves } = aGlue()
  await partitions.point(DT, 'run1')
  await partitions.point(DT)
  expect(locations.get('archive')).toBe(`${ROWS}run1/`)
  expect(moves).toHaveLength(2)
})
