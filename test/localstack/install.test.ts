import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, download, installOnce } from '../../localstack/cache.ts'
import { failureOf, fingerprint } from '../../localstack/deploy.ts'
import { javaSource } from '../../localstack/opensearch.ts'
import { pipProblem, pythonProblem } from '../../localstack/python.ts'

const content = Buffer.alloc(3_000_000, 'millrace')
const sha256 = createHash('sha256').update(content).digest('hex')
const quiet = (): void => undefined

let folder: string
let server: Server
let url: string
/** Bytes after which the next answer breaks off. */
let breakAt: number | undefined
let ranges: (string | undefined)[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-install-'))
  breakAt = undefined
  ranges = []
  server = createServer((request, response) => {
    const range = request.headers.range
    ranges.push(range)
    const rest = content.subarray(Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0))
    response.writeHead(range ? 206 : 200, { 'content-length': rest.length })
    if (breakAt === undefined) return void response.end(rest)
    response.write(rest.subarray(0, breakAt), () => response.destroy())
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.zip`
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(done => server.close(done))
  rmSync(folder, { recursive: true })
})

test('a download that broke off is one line, and the next run goes on from there', async () => {
  const file = join(folder, 'deep', 'file.zip')
  breakAt = 1_000_000
  await expect(download(url, file, sha256, quiet)).rejects.toThrow(
    /^The download of http.* broke off \(.*\); run the command again/,
  )
  expect(existsSync(file)).toBe(false)
  breakAt = undefined
  await download(url, file, sha256, quiet)
  expect(readFileSync(file).equals(content)).toBe(true)
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)])
})

test('a file with another hash is deleted and refused; the next run fetches it anew', async () => {
  const file = join(folder, 'file.zip')
  writeFileSync(`${file}.part`, 'half of something else')
  await expect(download(url, file, sha256, quiet)).rejects.toThrow(/has the sha256 .* it was deleted: run the command again/)
  await download(url, file, sha256, quiet)
  expect(readFileSync(file).equals(content)).toBe(true)
})

test('a host that cannot be reached is one line', async () => {
  await new Promise(done => server.close(done))
  await expect(download(url, join(folder, 'file'), sha256, quiet)).rejects.toThrow(
    /^127\.0\.0\.1:\d+ cannot be reached \(.*\): check the network/,
  )
  server.listen(0)
})

test('progress tells megabytes', async () => {
  const words: string[] = []
  await download(url, join(folder, 'file'), sha256, word => words.push(word))
  expect(words.at(-1)).toBe('3 of 3 MB')
})

test('an installation that fails leaves nothing, one that succeeds is not repeated', async () => {
  const target = join(folder, 'program')
  const failing = installOnce(target, async scratch => {
    writeFileSync(join(scratch, 'half'), '')
    throw new Error('cut off')
  })
  await expect(failing).rejects.toThrow('cut off')
  expect(readdirSync(folder)).toEqual([])
  const install = (text: string) =>
    installOnce(target, async scratch => {
      writeFileSync(join(scratch, 'file'), text)
      return scratch
    })
  await install('first')
  await install('second')
  expect(readFileSync(join(target, 'file'), 'utf8')).toBe('first')
})

test('the cache is the person’s own unless MILLRACE_CACHE names another', () => {
  expect(cacheFolder({ MILLRACE_CACHE: '/a' })).toBe('/a')
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/millrace')
  expect(cacheFolder({})).toMatch(/\.cache\/millrace$/)
})

test.each([
  ['linux', 'x64', undefined, { wheel: true }],
  ['linux', 'arm64', undefined, { wheel: true }],
  ['darwin', 'arm64', undefined, { wheel: true }],
  ['darwin', 'x64', '/jdk', { home: '/jdk' }],
  ['linux', 'x64', '/jdk', { home: '/jdk' }],
])('Java on %s %s with OPENSEARCH_JAVA_HOME=%s', (platform, arch, home, expected) => {
  expect(javaSource(platform, arch, home)).toEqual(expected)
})

test('a platform without a ready Java is told what to set', () => {
  expect(javaSource('darwin', 'x64', undefined)).toEqual({
    trouble: 'There is no ready Java for darwin x64: install Java 21 or newer and set OPENSEARCH_JAVA_HOME to its folder.',
  })
})

test('Python that is missing or too old is one line with the command that installs it', () => {
  expect(pythonProblem('')).toMatch(
    /^The local cloud needs Python 3\.10 or newer, and there is no python3: .*apt-get install python3 python3-pip/,
  )
  expect(pythonProblem('3.9')).toMatch(/and python3 is 3\.9: install a newer one/)
  expect(pythonProblem('3.10')).toBeUndefined()
  expect(pythonProblem('3.14')).toBeUndefined()
})

test.each([
  ['/usr/bin/python3: No module named pip', /^python3 has no pip: install it \(/],
  ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.', /does not have its pinned hash: empty the cache/],
  [
    'WARNING: Retrying after NewConnectionError(…)\nERROR: No matching distribution found for duckdb',
    /index cannot be reached: check the network/,
  ],
  ['ERROR: No matching distribution found for duckdb==1.5.5', /^No Python package for this platform .*duckdb==1\.5\.5$/],
  [
    'one\nERROR: Could not install: [Errno 28] No space left on device',
    /^python3 -m pip failed: Could not install: .*No space left/,
  ],
])('pip’s %j is one line', (output, line) => {
  expect(pipProblem(output)).toMatch(line)
  expect(pipProblem(output)).not.toContain('\n')
})

test('the first line of trouble in what the CDK wrote is told', () => {
  expect(failureOf('Bundling…\n\n ❌  millrace-local failed: table exists\n    at x\n')).toBe(
    '❌  millrace-local failed: table exists',
  )
})

test('a changed, new or renamed input changes the fingerprint, and so does the endpoint', () => {
  const inputs = join(folder, 'inputs')
  mkdirSync(join(inputs, 'deep'), { recursive: true })
  writeFileSync(join(inputs, 'deep', 'a.ts'), '1')
  const first = fingerprint([inputs, join(folder, 'missing')], 'x')
  expect(fingerprint([inputs], 'x')).toBe(first)
  expect(fingerprint([inputs], 'y')).not.toBe(first)
  writeFileSync(join(inputs, 'deep', 'a.ts'), '2')
  const second = fingerprint([inputs], 'x')
  expect(second).not.toBe(first)
  writeFileSync(join(inputs, 'b.ts'), '')
  expect(fingerprint([inputs], 'x')).not.toBe(second)
})
