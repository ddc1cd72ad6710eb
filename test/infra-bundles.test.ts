import { readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { bundling } from '../infra/bundling.ts'

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

test('the bundle of ingest is small, and carries no projection and nothing of search', async () => {
  const { metafile } = await build({
    entryPoints: ['lambdas/ingest/ingest.lambda.ts'],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: bundling.target,
    mainFields: [...bundling.mainFields],
    external: [...bundling.external],
    outfile: 'index.mjs',
  })
  const [output] = Object.values(metafile.outputs)
  const carried = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const files = carried.map(([file]) => file)
  expect(output?.bytes).toBeLessThanOrEqual(INGEST_BYTES)
  expect(files).toContain('shared/events/reading.ts')
  expect(files.filter(file => /^shared\/projections\/|^lambdas\/search\/|opensearch/.test(file))).toEqual([])
})

test.each(['linux-arm64', 'linux-x64'])('the lock file has DuckDB for %s, so that any host can bundle it', platform => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
  const bindings = packages['node_modules/@duckdb/node-bindings']
  const wanted = bindings?.optionalDependencies?.[`@duckdb/node-bindings-${platform}`]
  expect(packages[`node_modules/@duckdb/node-api`]?.dependencies?.['@duckdb/node-bindings']).toBe(bindings?.version)
  expect(packages[`node_modules/@duckdb/node-bindings-${platform}`]?.version).toBe(wanted)
  expect(wanted).toBeDefined()
})
