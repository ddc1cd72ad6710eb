import { readFileSync } from 'node:fs'
import { build } from 'esbuild'

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

test('the bundle of ingest carries no projection', async () => {
  const { metafile } = await build({
    entryPoints: ['lambdas/ingest/ingest.lambda.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    outfile: 'index.mjs',
  })
  const [output] = Object.values(metafile.outputs)
  const carried = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const files = carried.map(([file]) => file)
  expect(files).toContain('shared/events/reading.ts')
  expect(files.filter(file => file.startsWith('shared/projections/'))).toEqual([])
})

test.each(['linux-arm64', 'linux-x64'])('the lock file has DuckDB for %s, so that any host can bundle it', platform => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock
  const bindings = packages['node_modules/@duckdb/node-bindings']
  const wanted = bindings?.optionalDependencies?.[`@duckdb/node-bindings-${platform}`]
  expect(packages[`node_modules/@duckdb/node-api`]?.dependencies?.['@duckdb/node-bindings']).toBe(bindings?.version)
  expect(packages[`node_modules/@duckdb/node-bindings-${platform}`]?.version).toBe(wanted)
  expect(wanted).toBeDefined()
})
