import { Aws, type RemovalPolicy } from 'aws-cdk-lib'
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { ARCHIVE_PREFIX, archiveColumns } from '../shared/archive-columns.ts'
import type { EventType } from '../shared/event-type.ts'
import { stackName } from '../shared/outputs.ts'

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

/** The Glue table of the archive: Firehose converts by it and Athena reads by it. Throws when two fields of the catalogue share a column. */
export class ArchiveTable extends Construct {
  readonly table: CfnTable
  readonly databaseName: string
  readonly tableName = 'events'

  constructor(scope: Construct, { stage, bucket, eventTypes, removal }: ArchiveTableProps) {
    super(scope, 'Table')
    // Athena takes a name with a hyphen only in quotes.
    this.databaseName = stackName(stage).replaceAll('-', '_')
    const location = `s3://${bucket.bucketName}/${ARCHIVE_PREFIX}`
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: this.databaseName },
    })
    this.table = new CfnTable(this, 'Events', {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: {
        name: this.tableName,
        tableType: 'EXTERNAL_TABLE',
        parameters: { classification: 'parquet', EXTERNAL: 'TRUE', ...partitionProjection(location) },
        partitionKeys: [
          { name: 'dt', type: 'string', comment: 'Day of arrival, UTC.' },
          { name: 'hour', type: 'int', comment: 'Hour of arrival, UTC.' },
        ],
        storageDescriptor: {
          location,
          ...parquet,
          columns: archiveColumns(eventTypes).map(({ name, type, about }) => ({ name, type, comment: about })),
        },
      },
    })
    this.table.addResourceDependency(database)
    for (const each of [database, this.table]) each.applyRemovalPolicy(removal)
  }
}
