import { execFile } from 'node:child_process'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const ARM64 = 183 // e_machine of an ELF file
const DUCKDB = 'node_modules/@duckdb'

let out: string

beforeAll(async () => {
  out = await mkdtemp(path.join(tmpdir(), 'millrace-synth-'))
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

afterAll(() => rm(out, { recursive: true, force: true }))

/** The machine that an ELF file is for. */
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

/** The folder of the one asset that has DuckDB. */
async function reportsBundle(): Promise<string> {
  const assets = (await readdir(out)).filter(name => name.startsWith('asset.'))
  const contents = await Promise.all(assets.map(asset => readdir(path.join(out, asset))))
  const [asset, ...more] = assets.filter((_asset, at) => contents[at]?.includes('node_modules'))
  expect([asset, more]).toEqual([expect.any(String), []])
  return path.join(out, asset ?? '')
}

test('the template is made without credentials', async () => {
  const template = JSON.parse(await readFile(path.join(out, 'millrace-dev.template.json'), 'utf8')) as { Resources: object }
  expect(Object.keys(template.Resources).length).toBeGreaterThan(90)
})

test('the reports function is bundled with the DuckDB of linux arm64, whatever the host, in the version that is pinned', async () => {
  const bundle = await reportsBundle()
  const bindings = (await readdir(path.join(bundle, DUCKDB))).filter(name => name.startsWith('node-bindings-'))
  expect(bindings).toEqual(['node-bindings-linux-arm64'])
  expect(await machineOf(path.join(bundle, DUCKDB, 'node-bindings-linux-arm64/duckdb.node'))).toBe(ARM64)
  expect(await machineOf(path.join(bundle, DUCKDB, 'node-bindings-linux-arm64/libduckdb.so'))).toBe(ARM64)
  const version = async (file: string) => JSON.parse(await readFile(file, 'utf8'))
  const installed = await version(path.join(bundle, DUCKDB, 'node-api/package.json'))
  expect(installed.version).toBe((await version('package.json')).dependencies['@duckdb/node-api'])
})
