import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { build, type Metafile } from 'esbuild'
import { bundling, splitBundle, splitCode } from '../../infra/bundling.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

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

const fakeBundle = temporaryFolder('bundles')

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

test('each function has a bundle of its own', () => {
  const stack = new Stack(new App({ outdir: path.join(fakeBundle, 'assembly') }))
  const keys = ['lambdas/windows/windows.lambda.ts', 'lambdas/search/set-up.lambda.ts'].map(
    entry => splitCode(entry).bind(new Construct(stack, path.basename(entry))).s3Location?.objectKey,
  )
  expect(new Set(keys).size).toBe(2)
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

/** Runs a script of the bundling, or imports a bundle. */
const node = (...args: string[]) => nodeWith('none', ...args)
const nodeWith = (workgroup: string, ...args: string[]) =>
  spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: {
      ...process.env,
      ARCHIVE_BUCKET: 'a',
      ARCHIVE_DATABASE: 'd',
      ATHENA_WORKGROUP: workgroup,
      LEDGER_TABLE: 'l',
      REPORTS_TABLE: 'r',
      REPORT_DAYS_BACK: '400',
      REPORT_DAYS_AHEAD: '1',
      KEPT_RUNS: '8',
      KEPT_DAYS: '30',
    },
  })

test('the bundle of the reports function has the SQL of every report, and does not start without it', async () => {
  // Inside the checkout, so that Node resolves the native package.
  mkdirSync('.millrace', { recursive: true })
  const bundle = mkdtempSync(path.resolve('.millrace', 'bundle-'))
  try {
    const file = path.join(bundle, 'index.mjs')
    await build({
      entryPoints: ['lambdas/reports/reports.lambda.ts'],
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: bundling.banner },
      mainFields: [...bundling.mainFields],
      external: [...bundling.external, '@duckdb/node-api'],
    })
    expect(node('infra/copy-report-sql.ts', bundle)).toMatchObject({ status: 0, stderr: '' })
    for (const workgroup of ['none', 'w']) expect(nodeWith(workgroup, file)).toMatchObject({ status: 0, stderr: '' })
    const missing = path.join(bundle, 'reports', 'duration-p95.sql')
    rmSync(missing)
    const { status, stderr } = node(file)
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(`The report duration-p95 needs its SQL in ${missing}: ENOENT.\n`),
    ])
  } finally {
    rmSync(bundle, { recursive: true })
  }
})

test('bundling fails with one line when npm skipped the native code for the platform', () => {
  const install = (name: string, manifest: object) => {
    const folder = path.join(fakeBundle, 'node_modules', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest))
  }
  const check = () => node('infra/check-native-code.ts', fakeBundle, 'linux-arm64')
  const failure = (what: string) => ({
    status: 1,
    stderr: `npm did not install ${what} into the bundle, probably because a download failed. Run the command again.\n`,
  })
  expect(check()).toMatchObject(failure('a package for linux-arm64'))
  install('@a/bindings', { optionalDependencies: { '@a/bindings-linux-arm64': '1', '@a/bindings-linux-x64': '1' } })
  install('@a/bindings-linux-x64', {})
  expect(check()).toMatchObject(failure('@a/bindings-linux-arm64'))
  install('@a/bindings-linux-arm64', {})
  expect(check()).toMatchObject({ status: 0, stderr: '' })
})
