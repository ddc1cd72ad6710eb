import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cacheFolder, download, installOnce } from '../../localstack/cache.ts'
import { failureOf, fingerprint } from '../../localstack/deploy.ts'
import { artifactUrl } from '../../localstack/maven.ts'
import { javaSource } from '../../localstack/opensearch.ts'
import { findPython, pipProblem, pythonProblem } from '../../localstack/python.ts'

const content = Buffer.alloc(3_000_000, 'millrace')
const sha256 = createHash('sha256').update(content).digest('hex')
const quiet = (): void => undefined

let folder: string
let server: Server
let url: string
/** Bytes after which the next response is interrupted. */
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

test('an interrupted download gives one line, and the next run resumes', async () => {
  const file = join(folder, 'deep', 'file.zip')
  breakAt = 1_000_000
  await expect(download(url, file, sha256, quiet)).rejects.toThrow(
    /^The download of http.* was interrupted \(.*\)\. Run the command again/,
  )
  expect(existsSync(file)).toBe(false)
  breakAt = undefined
  await download(url, file, sha256, quiet)
  expect(readFileSync(file).equals(content)).toBe(true)
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)])
})

test('a file with another hash is deleted, and the next run downloads it again', async () => {
  const file = join(folder, 'file.zip')
  writeFileSync(`${file}.part`, 'half of something else')
  await expect(download(url, file, sha256, quiet)).rejects.toThrow(/has the sha256 .* and was deleted\. Run the command again/)
  await download(url, file, sha256, quiet)
  expect(readFileSync(file).equals(content)).toBe(true)
})

test('an unreachable host gives one line', async () => {
  await new Promise(done => server.close(done))
  await expect(download(url, join(folder, 'file'), sha256, quiet)).rejects.toThrow(
    /^127\.0\.0\.1:\d+ cannot be reached \(.*\)\. Check the network/,
  )
  server.listen(0)
})

test('progress is in megabytes', async () => {
  const words: string[] = []
  await download(url, join(folder, 'file'), sha256, word => words.push(word))
  expect(words.at(-1)).toBe('3 of 3 MB')
})

test('a failed installation leaves no files, and a successful one is not repeated', async () => {
  const target = join(folder, 'program')
  const failing = installOnce(target, quiet, async scratch => {
    writeFileSync(join(scratch, 'half'), '')
    throw new Error('cut off')
  })
  await expect(failing).rejects.toThrow('cut off')
  expect(readdirSync(folder)).toEqual([])
  const install = (text: string) =>
    installOnce(target, quiet, async scratch => {
      writeFileSync(join(scratch, 'file'), text)
      return scratch
    })
  await install('first')
  await install('second')
  expect(readFileSync(join(target, 'file'), 'utf8')).toBe('first')
})

test('two installations of one folder at the same time: the second waits and uses the folder of the first', async () => {
  const target = join(folder, 'program')
  const words: string[] = []
  let made = 0
  const install = () =>
    installOnce(
      target,
      word => words.push(word),
      async scratch => {
        made += 1
        await delay(300)
        return scratch
      },
    )
  expect(await Promise.all([install(), install()])).toEqual([target, target])
  expect(made).toBe(1)
  expect(words).toEqual([`waiting for process ${process.pid}, which is installing it`])
  expect(readdirSync(folder)).toEqual(['program'])
})

test('a warning on the standard error of python3 is not taken for its version', async () => {
  const wrapper = join(folder, 'python3')
  writeFileSync(wrapper, '#!/bin/sh\necho "warning: setlocale: cannot change locale" >&2\nprintf "/opt/python\\n3.12\\n"\n')
  chmodSync(wrapper, 0o755)
  const { PATH } = process.env
  process.env['PATH'] = `${folder}:${PATH}`
  try {
    expect(await findPython()).toEqual({ command: '/opt/python', version: '3.12' })
  } finally {
    process.env['PATH'] = PATH
  }
})

test('the cache is in the user’s cache folder unless MILLRACE_CACHE is set', () => {
  expect(cacheFolder({ MILLRACE_CACHE: '/a' })).toBe('/a')
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/millrace')
  const ofUser = join(homedir(), '.cache', 'millrace')
  for (const nothing of [{}, { XDG_CACHE_HOME: '' }, { XDG_CACHE_HOME: 'b' }, { MILLRACE_CACHE: '' }])
    expect(cacheFolder(nothing)).toBe(ofUser)
})

test('a relative MILLRACE_CACHE is one folder for all processes, whatever folder they work in', () => {
  expect(cacheFolder({ MILLRACE_CACHE: 'downloads' })).toBe(resolve('downloads'))
})

test.each([
  [undefined, 'https://repo.maven.apache.org/maven2'],
  ['', 'https://repo.maven.apache.org/maven2'],
  ['https://mirror.example/maven', 'https://mirror.example/maven'],
])('with MAVEN_REPOSITORY_URL=%s an artifact is downloaded from %s', (repository, from) => {
  const artifact = { group: 'a.b', name: 'c', version: '1.2', extension: 'zip', sha256: '', megabytes: 1 }
  expect(artifactUrl(artifact, repository)).toBe(`${from}/a/b/c/1.2/c-1.2.zip`)
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

test('on a platform without a packaged Java the error says what to set', () => {
  expect(javaSource('darwin', 'x64', undefined)).toEqual({
    error: 'There is no packaged Java for darwin x64. Install Java 21 or newer and set OPENSEARCH_JAVA_HOME to its folder.',
  })
})

test('a missing or old Python gives one line with the command that installs it', () => {
  expect(pythonProblem('')).toEqual({
    message: 'The local cloud needs Python 3.10 or newer, but there is no python3.',
    remedy: expect.stringMatching(/^Install it \(.*apt-get install python3 python3-pip/),
  })
  expect(pythonProblem('3.9')).toMatchObject({ message: expect.stringMatching(/ but python3 is 3\.9\.$/) })
  expect(pythonProblem('3.10')).toBeUndefined()
  expect(pythonProblem('3.14')).toBeUndefined()
})

test.each([
  ['/usr/bin/python3: No module named pip', /^python3 has no pip\. Install it \(/],
  [
    'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.',
    /does not have its pinned hash\. Empty the cache/,
  ],
  [
    'WARNING: Retrying after NewConnectionError(…)\nERROR: No matching distribution found for duckdb',
    /index cannot be reached\. Check the network/,
  ],
  [
    'ERROR: No matching distribution found for duckdb==1.5.5',
    /^A Python package does not exist for this platform .*duckdb==1\.5\.5$/,
  ],
  [
    'one\nERROR: Could not install: [Errno 28] No space left on device',
    /^python3 -m pip failed: Could not install: .*No space left/,
  ],
])('pip’s output %j gives one line', (output, line) => {
  expect(pipProblem(output)).toMatch(line)
  expect(pipProblem(output)).not.toContain('\n')
})

test('the first line with an error in the CDK’s output is returned', () => {
  expect(failureOf('Bundling…\n\n ❌  millrace-local failed: table exists\n    at x\n')).toBe(
    '❌  millrace-local failed: table exists',
  )
})

test('the fingerprint changes with a changed, new or renamed input and with the endpoint', () => {
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
