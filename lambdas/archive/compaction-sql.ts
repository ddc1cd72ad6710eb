import { sqlString } from './duckdb.ts'

/** Rows in a row group: DuckDB's own size. Few groups keep footers small; sorted rows make their ranges narrow. */
const ROWS_PER_GROUP = 122_880

/** A hash of the identity of a row, the same in every version of the software. The lengths keep the four texts apart. */
const IDENTITY_HASH = `md5_number_lower(concat_ws(':', ${['source', 'event_type', 'subject', 'event_id']
  .map(column => `coalesce(strlen(${column}) || ':' || ${column}, '-')`)
  .join(', ')}))`

/**
 * A view `deliveries` over the files of a day, with `place` and `line`, which sort like the arrival of the rows, and its repetitions.
 * Columns that only some files have are null elsewhere. `files` are in the order of arrival.
 */
export function openDeliveries(files: readonly string[]): string {
  const list = files.map(sqlString).join(', ')
  return `CREATE VIEW deliveries AS
SELECT * EXCLUDE (filename, file_row_number), filename AS place, file_row_number AS line
FROM read_parquet([${list}], union_by_name = true, filename = true, file_row_number = true, hive_partitioning = false);
${findRepetitions('main')}`
}

/** A cheaper hash of the identity of a row. Another version of DuckDB may have another one. */
const QUICK_HASH = 'hash(source, event_type, subject, event_id)'

/** Writes the table `dropped`: the places and lines in the view `deliveries` of all arrivals of an identity but the first. */
export const findRepetitions = (schema: string): string =>
  `CREATE TABLE ${schema}.repeated AS SELECT ${QUICK_HASH} AS identity FROM ${schema}.deliveries GROUP BY identity HAVING count(*) > 1;
CREATE OR REPLACE TABLE ${schema}.dropped AS
SELECT place, line FROM (
  SELECT place, line, row_number() OVER (PARTITION BY source, event_type, subject, event_id ORDER BY received_time_us, place, line) AS arrival
  FROM ${schema}.deliveries WHERE ${QUICK_HASH} IN (FROM ${schema}.repeated)
) WHERE arrival > 1;
DROP TABLE ${schema}.repeated;`

/** The first arrival of each identity, in an order that puts similar rows together. */
export const FIRST_ARRIVALS = `SELECT * EXCLUDE (place, line) FROM deliveries ANTI JOIN dropped USING (place, line)
ORDER BY event_type, subject, event_time_us, source, event_id`

/** All other arrivals, in their order. */
export const REPETITIONS = `SELECT * EXCLUDE (place, line) FROM deliveries SEMI JOIN dropped USING (place, line)
ORDER BY received_time_us, place, line`

export const copyTo = (query: string, file: string): string =>
  `COPY (${query}) TO ${sqlString(file)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ROWS_PER_GROUP})`

/** What a written file has, by event type. */
export const typesIn = (file: string): string =>
  `SELECT event_type, count(*) AS rows, min(event_time_us) AS first, max(event_time_us) AS last, sum(${IDENTITY_HASH}) AS identities
FROM read_parquet(${sqlString(file)}, hive_partitioning = false) GROUP BY event_type ORDER BY event_type`
