import {
  AlreadyExistsException,
  BatchUpdatePartitionCommand,
  CreatePartitionCommand,
  DeletePartitionCommand,
  EntityNotFoundException,
  GetTableCommand,
  GlueClient,
} from '@aws-sdk/client-glue'
import { COMPACTED_TABLE, REPETITIONS_TABLE } from '../../shared/archive-columns.ts'
import { SafeError } from '../../shared/safe-error.ts'
import { rawPrefix } from './list-events.ts'
import { repetitionsPrefix, rowsPrefix } from './manifest.ts'

/** The partitions of the Glue tables `archive` and `repetitions`, one for each day. */
export interface Partitions {
  /**
   * Points both tables to a run of a day; without a run to its raw objects, if nobody has pointed them yet. Repetitions move first: at
   * every moment, both tables together have at least what they had.
   */
  point(dt: string, run?: string): Promise<void>
  remove(dt: string): Promise<void>
}

export function gluePartitions(database: string, bucket: string, client = new GlueClient({})): Partitions {
  const move = async (table: string, dt: string, prefix: string, mayUpdate: boolean): Promise<void> => {
    const named = { DatabaseName: database, TableName: table }
    const { Table } = await client.send(new GetTableCommand({ DatabaseName: database, Name: table }))
    const StorageDescriptor = { ...Table?.StorageDescriptor, Location: `s3://${bucket}/${prefix}` }
    const PartitionInput = { Values: [dt], StorageDescriptor }
    try {
      await client.send(new CreatePartitionCommand({ ...named, PartitionInput }))
    } catch (error) {
      if (!(error instanceof AlreadyExistsException)) throw error
      if (!mayUpdate) return
      const Entries = [{ PartitionValueList: [dt], PartitionInput }]
      const { Errors = [] } = await client.send(new BatchUpdatePartitionCommand({ ...named, Entries }))
      if (Errors[0]) throw new SafeError(`The partition ${dt} of ${table} cannot be moved: ${Errors[0].ErrorDetail?.ErrorCode}.`)
    }
  }
  return {
    async point(dt, run) {
      await move(REPETITIONS_TABLE, dt, repetitionsPrefix(dt, run), run !== undefined)
      await move(COMPACTED_TABLE, dt, run === undefined ? rawPrefix(dt) : rowsPrefix(dt, run), run !== undefined)
    },
    async remove(dt) {
      for (const TableName of [COMPACTED_TABLE, REPETITIONS_TABLE])
        await client
          .send(new DeletePartitionCommand({ DatabaseName: database, TableName, PartitionValues: [dt] }))
          .catch((error: unknown) => {
            if (!(error instanceof EntityNotFoundException)) throw error
          })
    },
  }
}
