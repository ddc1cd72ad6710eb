import { readFileSync } from 'node:fs'
import { build, type Metafile } from 'esbuild'
import { splitBundle } from '../../infra/bundling.ts'

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version: string
        readonly dependencies?: Record<string, string>
        readonly optionalDependencies?: Record<string, string>
      }
    >
  >
}

const INGEST_BYTES = 500_000

/** The outputs that a cold start reads: the entry file and its static imports. */
function readAtColdStart({ outputs }: Metafile): Metafile['outputs'][string][] {
  const [entry = ''] = Object.keys(outputs).filter(file => file.endsWith('index.mjs'))
  const reached = new Set([entry])
  for (const file of reached)
    for (const { path, kind } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && path in outputs) reached.add(path)
  return [...reached].flatMap(file => outputs[file] ?? [])
}

test('a cold start of ingest reads at most 500 kB, and no projection, no search code and no S3 client', async () => {
  const options = splitBundle('lambdas/ingest/ingest.lambda.ts', '.')
  const { metafile } = await build({ ...options, write: false, metafile: true })
  const outputs = readAtColdStart(metafile)
  const files = outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  )
  expect(outputs.reduce((bytes, output) => bytes + output.bytes, 0)).toBeLessThanOrEqual(INGEST_BYTES)
  expect(files).toContain('shared/events/reading.ts')
  expect(files.filter(file => /^shared\/projections\/|^lambdas\/search\/|opensearch|client-s3/.test(file))).toEqual([])
})

test.each(['linux-arm64', 'linux-x64'])(
  'the lock file has the DuckDB binding for %s, so that any host can bundle it',
  platform => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
    const bindings = packages['node_modules/@duckdb/node-bindings']
    const wanted = bindings?.optionalDependencies?.[`@duckdb/node-bindings-${platform}`]
    expect(packages[`node_modules/@duckdb/node-api`]?.dependencies?.['@duckdb/node-bindings']).toBe(bindings?.version)
    expect(packages[`node_modules/@duckdb/node-bindings-${platform}`]?.version).toBe(wanted)
    expect(wanted).toBeDefined()
  },
)
