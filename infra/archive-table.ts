import { Aws, type RemovalPolicy } from 'aws-cdk-lib'
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import {
  ARCHIVE_PREFIX,
  archiveColumns,
  COMPACTED_PREFIX,
  COMPACTED_TABLE,
  RAW_TABLE,
  REPETITIONS_PREFIX,
  REPETITIONS_TABLE,
} from '../shared/archive-columns.ts'
import type { EventType } from '../shared/event-type.ts'
import { databaseName } from '../shared/outputs.ts'

/** The first day that can have events; Athena computes no partitions before it. */
const FIRST_DAY = '2026-01-01'

const parquet = {
  inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
}

/** With these parameters Athena computes the partitions, and nothing has to register them. */
const partitionProjection = (location: string): Record<string, string> => ({
  'projection.enabled': 'true',
  'projection.dt.type': 'date',
  'projection.dt.format': 'yyyy-MM-dd',
  'projection.dt.range': `${FIRST_DAY},NOW`,
  'projection.dt.interval': '1',
  'projection.dt.interval.unit': 'DAYS',
  'projection.hour.type': 'integer',
  'projection.hour.range': '0,23',
  'projection.hour.digits': '2',
  'storage.location.template': `${location}dt=\${dt}/hour=\${hour}/`,
})

export interface ArchiveTableProps {
  readonly stage: string
  readonly bucket: IBucket
  readonly eventTypes: readonly EventType[]
  /** Database and table are kept with the archive that they describe. */
  readonly removal: RemovalPolicy
}

interface TableFacts {
  readonly name: string
  readonly prefix: string
  /** Whether it has partitions by hour, which Athena computes. */
  readonly hours: boolean
  readonly about: string
}

/**
 * The Glue tables of the archive. Firehose converts by `events`, the table of the raw objects. The compaction registers the days of `archive`
 * and `repetitions`; Athena reads all three. Throws when two fields of the catalogue share a column.
 */
export class ArchiveTable extends Construct {
  readonly table: CfnTable
  readonly databaseName: string
  readonly tableName = RAW_TABLE

  constructor(scope: Construct, { stage, bucket, eventTypes, removal }: ArchiveTableProps) {
    super(scope, 'Table')
    this.databaseName = databaseName(stage)
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: this.databaseName },
    })
    const columns = archiveColumns(eventTypes).map(({ name, type, about }) => ({ name, type, comment: about }))
    const tableOf = (id: string, { name, prefix, hours, about }: TableFacts): CfnTable => {
      const location = `s3://${bucket.bucketName}/${prefix}`
      const table = new CfnTable(this, id, {
        catalogId: Aws.ACCOUNT_ID,
        databaseName: this.databaseName,
        tableInput: {
          name,
          description: about,
          tableType: 'EXTERNAL_TABLE',
          parameters: { classification: 'parquet', EXTERNAL: 'TRUE', ...(hours && partitionProjection(location)) },
          partitionKeys: [
            { name: 'dt', type: 'string', comment: 'Day of arrival, UTC.' },
            ...(hours ? [{ name: 'hour', type: 'int', comment: 'Hour of arrival, UTC.' }] : []),
          ],
          storageDescriptor: { location, ...parquet, columns },
        },
      })
      table.addResourceDependency(database)
      return table
    }
    this.table = tableOf('Events', {
      ...{ name: this.tableName, prefix: ARCHIVE_PREFIX, hours: true },
      about: 'Every delivery as Firehose wrote it. The raw objects of compacted days are deleted after some time.',
    })
    const others = [
      tableOf('Archive', {
        ...{ name: COMPACTED_TABLE, prefix: COMPACTED_PREFIX, hours: false },
        about:
          'One row for each event and day of arrival, once the day is compacted (and hour, if it was compacted by hours); before, every delivery.',
      }),
      tableOf('Repetitions', {
        ...{ name: REPETITIONS_TABLE, prefix: REPETITIONS_PREFIX, hours: false },
        about: 'The other deliveries of events that arrived several times on a compacted day.',
      }),
    ]
    for (const each of [database, this.table, ...others]) each.applyRemovalPolicy(removal)
  }
}
