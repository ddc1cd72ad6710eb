import { AthenaClient, type QueryExecution } from '@aws-sdk/client-athena'
import { SafeError } from '../../shared/safe-error.ts'
import { resultPages, runQuery } from '../archive/athena.ts'
import type { ArchiveBucket } from '../archive/s3.ts'
import { queryFailure, tooSlow } from './athena-failure.ts'
import { unloadStatement } from './athena-query.ts'

/** Runs queries to their end. Each method throws an error of one line if the query has not succeeded by `until`. */
export interface Athena {
  /** The rows of a query, as texts in the order of its columns. */
  rows(query: string, until: number): Promise<(string | null)[][]>
  /** Stores the rows of a query as Parquet objects below a prefix under which nothing is stored. Returns their keys. */
  unload(query: string, prefix: string, until: number): Promise<string[]>
}

interface AthenaDependencies {
  readonly workgroup: string
  /** The name of the archive bucket, and how it is read. */
  readonly name: string
  readonly bucket: Pick<ArchiveBucket, 'text'>
  readonly client?: AthenaClient
  readonly pollMs?: number
}

const MINUTE_MS = 60_000

export function athenaQueries({ workgroup, name, bucket, client = new AthenaClient({}), pollMs }: AthenaDependencies): Athena {
  const run = async (query: string, until: number): Promise<QueryExecution> => {
    const left = Math.max(0, until - Date.now())
    const signal = AbortSignal.timeout(left)
    const ended = await runQuery(query, { client, workgroup, ...(pollMs !== undefined && { pollMs }) }, { signal })
    if (ended.state === 'STOPPED') throw tooSlow(ended.id, Math.round(left / MINUTE_MS))
    if (ended.state !== 'SUCCEEDED') throw queryFailure(ended)
    return ended.execution
  }

  return {
    async rows(query, until) {
      const { QueryExecutionId = '' } = await run(query, until)
      const rows: (string | null)[][] = []
      for await (const page of resultPages(client, QueryExecutionId)) rows.push(...page.rows)
      return rows
    },

    async unload(query, prefix, until) {
      const address = `s3://${name}/`
      const { Statistics } = await run(unloadStatement(query, `${address}${prefix}`), until)
      const manifest = Statistics?.DataManifestLocation
      // A result without rows has no objects.
      if (manifest === undefined) return []
      if (!manifest.startsWith(address)) throw new SafeError('Athena stored its manifest outside of the archive bucket.')
      const objects = (await bucket.text(manifest.slice(address.length))).split(/\r?\n/).filter(line => line !== '')
      const foreign = objects.find(object => !object.startsWith(`${address}${prefix}`))
      if (foreign !== undefined) throw new SafeError('Athena stored rows of the report below another prefix than it was told.')
      return objects.map(object => object.slice(address.length))
    },
  }
}
