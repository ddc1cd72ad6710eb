import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { jest } from '@jest/globals'
import { ENTRY, millrace } from '../fixtures/command.ts'
import { writeLocalOutputs } from '../fixtures/local-outputs.ts'

// Each test starts processes.
jest.setTimeout(60_000)

/** How the server responds to the next requests; after these it accepts them as the API does. */
let responders: ((body: string, request: IncomingMessage, response: ServerResponse) => void)[]
/** The lines that the server accepted. */
let received: string[]
let server: Server
let folder: string

beforeEach(async () => {
  responders = []
  received = []
  server = createServer(async (request, response) => {
    const body = await text(request)
    const respond = responders.shift() ?? accept
    respond(body, request, response)
  }).listen(0, '127.0.0.1')
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-send-'))
  const { port } = server.address() as AddressInfo
  await writeLocalOutputs(folder, `http://127.0.0.1:${port}`)
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise(closed => server.close(closed))
  await rm(folder, { recursive: true, force: true })
})

function accept(body: string, _request: IncomingMessage, response: ServerResponse): void {
  const lines = body.trimEnd().split('\n')
  received.push(...lines)
  const bad = lines.flatMap((line, index) => (isJson(line) ? [] : [{ index, id: null, code: 'malformed_json', message: '' }]))
  response.end(JSON.stringify({ success: true, accepted: lines.length - bad.length, quarantined: bad }))
}

function isJson(line: string): boolean {
  try {
    return Boolean(JSON.parse(line))
  } catch {
    return false
  }
}

const reject =
  (status: number, headers: Record<string, string> = {}) =>
  (_body: string, _request: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, headers).end(JSON.stringify({ success: false, code: 'some_code', message: 'Some help.' }))

async function send(lines: string, ...options: string[]) {
  const file = path.join(folder, 'rows.json')
  await writeFile(file, lines)
  return millrace(['send', file, '--type', 'reading', ...options], folder)
}

const many = (count: number): string => Array.from({ length: count }, (_, n) => `{"n":${n}}`).join('\n')
const numbers = (): number[] => received.map(line => (JSON.parse(line) as { n: number }).n)

/** As a gateway, which has no code. */
const tooLong =
  (bytes: number) =>
  (body: string, request: IncomingMessage, response: ServerResponse): void => {
    if (body.length <= bytes) accept(body, request, response)
    else response.writeHead(413).end(JSON.stringify({ message: 'Request Too Long' }))
  }

test('a body that the gateway finds too large is sent in halves; a row that is too large alone is named, and was not sent', async () => {
  const rows = Array.from({ length: 10 }, (_, n) => JSON.stringify({ n, text: 'x'.repeat(n === 6 ? 900 : 10) }))
  responders = Array.from({ length: 100 }, () => tooLong(500))
  const { stdout, stderr } = await send(rows.join('\n'), '--json')
  expect(JSON.parse(stdout)).toEqual({ lines: 10, accepted: 9, quarantined: 1 })
  expect(numbers()).toEqual([0, 1, 2, 3, 4, 5, 7, 8, 9])
  expect(stderr).toMatch(/event_too_large +7 +The row was not sent and is only in the file: .* 413 Request Too Long/)
})

test('JSON lines and a JSON array are sent alike, rows get ids, and the totals are printed', async () => {
  expect(JSON.parse((await send('{"a":1}\nnope\n\n{"event_id":"mine"}', '--json')).stdout)).toEqual({
    lines: 3,
    accepted: 2,
    quarantined: 1,
  })
  expect(JSON.parse((await send('[{"a":1},\n nope ,{"event_id":"mine"}]', '--json')).stdout)).toEqual({
    lines: 3,
    accepted: 2,
    quarantined: 1,
  })
  const ids = received.map(line => /"event_id":"([^"]+)"/.exec(line)?.[1])
  expect(ids).toEqual([
    expect.stringMatching(/^[0-9a-f]{32}$/),
    undefined,
    'mine',
    expect.stringMatching(/^[0-9a-f]{32}$/),
    undefined,
    'mine',
  ])
})

test('a request that fails with 429, 5xx or a broken connection is retried, without loss and in order', async () => {
  const hangUp = (_body: string, request: IncomingMessage) => void request.socket.destroy()
  responders = [reject(503, { 'retry-after': '0' }), reject(429, { 'retry-after': '0' }), hangUp, accept, reject(500)]
  const { code, stdout, stderr } = await send(many(6_000), '--json')
  expect([code, JSON.parse(stdout)]).toEqual([0, { lines: 6_000, accepted: 6_000, quarantined: 0 }])
  expect(numbers()).toEqual(Array.from({ length: 6_000 }, (_, n) => n))
  expect(stderr).toContain('waiting: 503 some_code Some help.')
})

/** As an API whose stream stores no more lines in the time of a request. */
const tooSlow =
  (most: number) =>
  (body: string, request: IncomingMessage, response: ServerResponse): void => {
    const respond = body.split('\n').length > most + 1 ? reject(503, { 'retry-after': '0' }) : accept
    respond(body, request, response)
  }

test('a body that the API twice fails to store is sent in halves, in order', async () => {
  responders = Array.from({ length: 100 }, () => tooSlow(700))
  const { code, stdout } = await send(many(3_000), '--json')
  expect([code, JSON.parse(stdout)]).toEqual([0, { lines: 3_000, accepted: 3_000, quarantined: 0 }])
  expect(numbers()).toEqual(Array.from({ length: 3_000 }, (_, n) => n))
  // Bodies of 2,500 and twice 1,250 lines fail twice; four of 625 and one of 500 are stored.
  expect(responders).toHaveLength(100 - 11)
})

test('a single row is sent until the API stores it', async () => {
  responders = Array.from({ length: 5 }, () => reject(503, { 'retry-after': '0' }))
  expect(JSON.parse((await send(many(2), '--json')).stdout)).toEqual({ lines: 2, accepted: 2, quarantined: 0 })
  expect(numbers()).toEqual([0, 1])
})

test('after a failure the same command resumes after the last confirmed batch, and its totals cover the whole file', async () => {
  responders = [accept, reject(401)]
  const broken = await send(many(6_000))
  expect([broken.code, broken.stdout]).toEqual([1, ''])
  expect(broken.stderr.trimEnd().split('\n').at(-1)).toMatch(/rejected the events: 401 some_code Some help\.$/)
  const resumed = await send(many(6_000), '--json')
  expect(JSON.parse(resumed.stdout)).toEqual({ lines: 6_000, accepted: 6_000, quarantined: 0 })
  expect(resumed.stderr).toContain('resuming after element 2500, the last that was confirmed')
  expect(numbers()).toEqual(Array.from({ length: 6_000 }, (_, n) => n))
  expect(new Set(received.map(line => JSON.parse(line).event_id)).size).toBe(6_000)
  expect(await readdir(path.join(folder, '.millrace/send'))).toHaveLength(1)
})

test('killed before the response to a batch, the same command sends that batch again with the same ids', async () => {
  const file = path.join(folder, 'rows.json')
  await writeFile(file, many(6_000))
  responders = [accept]
  const pending = new Promise<void>(arrived => {
    responders.push((body, request) => {
      accept(body, request, { end: () => arrived() } as never)
    })
  })
  const child = spawn(process.execPath, [ENTRY, 'send', file, '--type', 'reading'], { cwd: folder, stdio: 'ignore' })
  const ended = once(child, 'exit')
  await pending
  child.kill('SIGKILL')
  await ended

  const { stdout } = await millrace(['send', file, '--type', 'reading', '--json'], folder)
  expect(JSON.parse(stdout)).toEqual({ lines: 6_000, accepted: 6_000, quarantined: 0 })
  expect(received.slice(2_500, 5_000)).toEqual(received.slice(5_000, 7_500))
  expect([...new Set(received)].map(line => (JSON.parse(line) as { n: number }).n)).toEqual(
    Array.from({ length: 6_000 }, (_, n) => n),
  )
})

test.each([
  ['nothing runs', ['status'], 1, 'The local cloud is not running. Start it with `npx millrace up`.'],
  ['an unknown command', ['nope'], 2, 'unknown command'],
  ['a missing argument', ['send'], 2, "missing required argument 'file'"],
  ['an unknown table', ['report', 'duration-p95', '--csv', 'x', '--by', 'nope'], 2, 'Allowed choices are type, device'],
  [
    'a table of a report that has one',
    ['report', 'enriched-actions', '--csv', 'x', '--by', 'type'],
    2,
    'The report enriched-actions has no table type. Omit --by.',
  ],
  ['an unknown report', ['report', 'nope'], 2, 'There is no report nope. The reports are duration-p95, enriched-actions.'],
  ['a day that does not exist', ['report', 'duration-p95', '--date', '2026-02-30'], 2, 'It must be a day, such as 2026-01-31.'],
  [
    'a day instead of an instant',
    ['report', 'enriched-actions', '--date', '2026-01-31'],
    2,
    'The report enriched-actions is published as of an instant: use --at instead of --date.',
  ],
  ['an instant without a time', ['report', 'enriched-actions', '--at', '2026-01-31'], 2, 'It must be an instant such as'],
  ['an unknown projection', ['show', 'nope'], 2, 'Allowed choices are recent-urls,'],
  ['an unknown mix', ['cost', '--mix', 'X'], 2, 'There is no mix X. Choose one of A, B, C, D'],
  ['no condition', ['quarantine', 'discard'], 2, 'Give a key or a condition such as --code or --older-than'],
  ['no change', ['keys', 'change', 'k'], 2, 'Give at least one of --types, --source, --origins, --quota and --expires.'],
  ['a stage that the settings lack', ['doctor', '--stage', 'a b'], 2, 'stage'],
  ['an emulator elsewhere', ['up', '--cloud', 'http://example.com'], 2, '--cloud works with an emulator on this machine only'],
  ['a rate of 0', ['send', 'x', '--type', 't', '--rate', '0'], 2, 'number above 0'],
  ['an unknown simulator', ['simulate', 'nope'], 2, 'Allowed choices are visits, actions, users, interactions, readings'],
])('%s: exit code and one line', async (_, args, code, line) => {
  const elsewhere = await mkdtemp(path.join(tmpdir(), 'millrace-nothing-'))
  const ended = await millrace(args, elsewhere)
  await rm(elsewhere, { recursive: true })
  expect([ended.code, ended.stdout]).toEqual([code, ''])
  expect(ended.stderr).toContain(line)
  expect(ended.stderr.trimEnd().split('\n')[0]).toContain(line)
  if (code === 1) expect(ended.stderr.trimEnd()).toBe(line)
})

test('a missing file, a folder, a broken array: one line, exit 1', async () => {
  const missing = await millrace(['send', 'not-there.json', '--type', 'reading'], folder)
  expect([missing.code, missing.stderr]).toEqual([
    1,
    'not-there.json cannot be read (ENOENT). Give a file of JSON lines, one JSON array, or consecutive JSON objects.\n',
  ])
  const directory = await millrace(['send', '.', '--type', 'reading'], folder)
  expect([directory.code, directory.stderr]).toEqual([
    1,
    '. is not a file. Give a file of JSON lines, one JSON array, or consecutive JSON objects.\n',
  ])
  const broken = await send('[{"n":1},{"n":2}')
  expect(broken.code).toBe(1)
  expect(broken.stderr).toBe(
    'The file is not a valid JSON array at byte 16 (line 1), after 1 elements. Nothing was sent. Fix the file.\n',
  )
  expect(received).toEqual([])
})
