import { Template } from 'aws-cdk-lib/assertions'
import { archiveColumns } from '../../shared/archive-columns.ts'
import { eventTypes } from '../../shared/catalogue.ts'
import { defineEvent, type EventType, integer, nullable, number, text } from '../../shared/event-type.ts'

import { plain, resource, stackOf, templateOf } from '../fixtures/infra-templates.ts'

const type = (name: string, fields: EventType['fields']): EventType =>
  defineEvent({ name, about: 'A type of this test.', fields, user: () => null }) as EventType

const tableOf = (template: Template) => resource(template, 'AWS::Glue::Table', 'ArchiveTableEvents').Properties.TableInput

test('the Glue table has the columns of the catalogue, in the same order', () => {
  const columns = tableOf(templateOf('prod')).StorageDescriptor.Columns
  expect(columns.map(({ Name, Type }: { Name: string; Type: string }) => [Name, Type])).toEqual(
    archiveColumns(eventTypes).map(({ name, type }) => [name, type]),
  )
})

test('a new event type adds its columns', () => {
  const doorOpened = type('door_opened', { doorId: text(), times: integer(), heldFor: nullable(number()) })
  const { Columns } = tableOf(Template.fromStack(stackOf('dev', { eventTypes: [doorOpened] }))).StorageDescriptor
  expect(Columns.map(({ Name, Type }: { Name: string; Type: string }) => `${Name} ${Type}`)).toEqual(
    expect.arrayContaining(['door_opened_door_id string', 'door_opened_times bigint', 'door_opened_held_for double']),
  )
})

test('two fields that would share a column make the synthesis fail with one line that names the column', () => {
  const clash = type('sample', { Timestamp: integer(), timestamp: number() })
  const synthesis = () => stackOf('dev', { eventTypes: [clash] })
  expect(synthesis).toThrow(/^Two fields of the catalogue .* sample_timestamp; .*$/)
})

test('Athena computes the partitions that Firehose writes, without registration', () => {
  const template = templateOf('dev')
  const { Parameters, PartitionKeys, StorageDescriptor } = tableOf(template)
  const { Prefix } = resource(template, 'AWS::KinesisFirehose::DeliveryStream').Properties.ExtendedS3DestinationConfiguration
  expect(Prefix).toBe('events/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/')
  expect(plain(Parameters['storage.location.template'])).toBe(`s3://<ArchiveBucket>/events/dt=\${dt}/hour=\${hour}/`)
  expect(plain(StorageDescriptor.Location)).toBe('s3://<ArchiveBucket>/events/')
  expect(PartitionKeys.map(({ Name }: { Name: string }) => Name)).toEqual(['dt', 'hour'])
  expect(Parameters).toMatchObject({
    'projection.enabled': 'true',
    'projection.dt.type': 'date',
    'projection.dt.format': 'yyyy-MM-dd',
    'projection.hour.type': 'integer',
    'projection.hour.range': '0,23',
    'projection.hour.digits': '2',
  })
})

test('Firehose reads the stream, converts JSON lines to Snappy Parquet by the latest table version, and writes errors below their own prefix', () => {
  const { Properties } = resource(templateOf('prod'), 'AWS::KinesisFirehose::DeliveryStream')
  expect(Properties.DeliveryStreamType).toBe('KinesisStreamAsSource')
  expect(plain(Properties.KinesisStreamSourceConfiguration.KinesisStreamARN)).toBe('<EventStream.Arn>')
  const destination = Properties.ExtendedS3DestinationConfiguration
  expect(destination).toMatchObject({
    BufferingHints: { IntervalInSeconds: 300, SizeInMBs: 128 },
    DataFormatConversionConfiguration: {
      Enabled: true,
      InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
      SchemaConfiguration: { VersionId: 'LATEST' },
      OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } },
    },
    CloudWatchLoggingOptions: { Enabled: true },
  })
  expect(destination.ErrorOutputPrefix).toMatch(/^errors\/!\{firehose:error-output-type\}\//)
})
