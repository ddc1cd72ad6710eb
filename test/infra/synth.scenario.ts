import { execFile } from 'node:child_process'
import { open, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

/** The value of `e_machine` in an ELF header. */
const ARM64 = 183
const DUCKDB = 'node_modules/@duckdb'
const out = temporaryFolder('synth')

beforeAll(async () => {
  const { PATH, HOME } = process.env
  const env = {
    PATH,
    HOME,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  }
  await promisify(execFile)('node_modules/.bin/cdk', ['synth', '--quiet', '--context', 'stage=dev', '--output', out], { env })
}, 180_000)

/** The machine type of an ELF file. */
async function machineOf(file: string): Promise<number> {
  const handle = await open(file)
  try {
    const { buffer } = await handle.read(Buffer.alloc(20), 0, 20, 0)
    expect(buffer.subarray(1, 4).toString()).toBe('ELF')
    return buffer.readUInt16LE(18)
  } finally {
    await handle.close()
  }
}

/** The folder of the only asset that contains DuckDB and the SQL of the reports. */
async function reportsBundle(): Promise<string> {
  const assets = (await readdir(out)).filter(name => name.startsWith('asset.'))
  const contents = await Promise.all(assets.map(asset => readdir(path.join(out, asset))))
  const [asset, ...more] = assets.filter((_asset, i) => contents[i]?.includes('node_modules') && contents[i]?.includes('reports'))
  expect([asset, more]).toEqual([expect.any(String), []])
  return path.join(out, asset ?? '')
}

test('cdk synth needs no credentials', async () => {
  const template = JSON.parse(await readFile(path.join(out, 'millrace-dev.template.json'), 'utf8')) as { Resources: object }
  expect(Object.keys(template.Resources).length).toBeGreaterThan(90)
})

test('every bundle contains the licences of its packages', async () => {
  const assets = (await readdir(out)).filter(name => name.startsWith('asset.'))
  const contents = await Promise.all(assets.map(asset => readdir(path.join(out, asset))))
  const bundles = contents.filter(names => names.includes('index.mjs'))
  expect(bundles.length).toBeGreaterThan(9)
  for (const names of bundles) expect(names).toEqual(expect.arrayContaining(['LICENSE', 'NOTICE']))
})

test('the bundle of the reports function contains the SQL of each engine, and DuckDB for linux arm64 on any host, in the pinned version', async () => {
  const bundle = await reportsBundle()
  const bindings = (await readdir(path.join(bundle, DUCKDB))).filter(name => name.startsWith('node-bindings-'))
  expect(bindings).toEqual(['node-bindings-linux-arm64'])
  expect(await machineOf(path.join(bundle, DUCKDB, 'node-bindings-linux-arm64/duckdb.node'))).toBe(ARM64)
  expect(await machineOf(path.join(bundle, DUCKDB, 'node-bindings-linux-arm64/libduckdb.so'))).toBe(ARM64)
  const files = ['duration-p95', 'enriched-actions'].flatMap(report => [`${report}.athena.sql`, `${report}.sql`])
  expect(await readdir(path.join(bundle, 'reports'))).toEqual(files)
  const readJson = async (file: string) => JSON.parse(await readFile(file, 'utf8'))
  const installed = await readJson(path.join(bundle, DUCKDB, 'node-api/package.json'))
  expect(installed.version).toBe((await readJson('package.json')).dependencies['@duckdb/node-api'])
})
