import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { MAX_BODY_BYTES, MAX_EVENT_BYTES } from '../../shared/limits.ts'
import { ENTRY, millrace } from '../fixtures/command.ts'
import { sendServer } from '../fixtures/send-server.ts'

// Each test starts processes.
jest.setTimeout(60_000)

let api: Awaited<ReturnType<typeof sendServer>>

beforeEach(async () => {
  api = await sendServer()
})
afterEach(() => api.close())

const visit = (id: number, more: object = {}): object => ({ Id: id, Url: `/p${id}`, Timestamp: 1_700_000_000 + id, ...more })
const lines = (...rows: object[]): string => rows.map(row => `${JSON.stringify(row)}\n`).join('')
const pretty = (...rows: object[]): string => rows.map(row => `${JSON.stringify(row, null, 2)}\n`).join('')

const send = (content: string | Buffer, ...options: string[]) => sendAs('page_visit', content, ...options)

async function sendAs(type: string | undefined, content: string | Buffer, ...options: string[]) {
  await writeFile(path.join(api.folder, 'rows'), content)
  return millrace(['send', 'rows', ...(type === undefined ? [] : ['--type', type]), ...options], api.folder)
}

const urls = (): unknown[] => api.accepted.map(({ data }) => (data as { Url: string }).Url)
const distinct = (): number => new Set(api.accepted.map(({ id }) => id)).size

async function piped(content: string, ...options: string[]) {
  const child = spawn(process.execPath, [ENTRY, 'send', '-', '--type', 'page_visit', ...options], { cwd: api.folder })
  child.stdin.end(content)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  return { code, stdout, stderr }
}

const utf16be = (content: string): Buffer => Buffer.from(content, 'utf16le').swap16()

test.each<[string, string | Buffer, number]>([
  ['one object of several lines', pretty(visit(1)), 1],
  [
    'an object with a nested object on a line of its own',
    '{\n"Id": 1,\n"Url": "/p1",\n"Timestamp": 5,\n"extra":\n{"campaign": "spring"}\n}\n',
    1,
  ],
  ['consecutive objects of several lines', pretty(visit(1), visit(2), visit(3)), 3],
  ['objects of one line and of several', lines(visit(1)) + pretty(visit(2)) + lines(visit(3)), 3],
  ['gzipped lines', gzipSync(lines(visit(1), visit(2))), 2],
  ['a gzipped array', gzipSync(JSON.stringify([visit(1), visit(2)])), 2],
  ['UTF-16 with a byte order mark', Buffer.from(`\ufeff${lines(visit(1), visit(2))}`, 'utf16le'), 2],
  ['UTF-16 without one', Buffer.from(lines(visit(1), visit(2)), 'utf16le'), 2],
  ['big-endian UTF-16', utf16be(`\ufeff${lines(visit(1))}`), 1],
  ['UTF-8 with byte order marks, also between joined files', `\ufeff${lines(visit(1))}\ufeff${lines(visit(2))}`, 2],
])('%s: every row is accepted, and recognised when the file is sent again', async (_, content, rows) => {
  for (const times of [1, 2]) {
    const { stdout, stderr, code } = await send(content, '--json')
    expect([code, stdout, stderr.includes('changed')]).toEqual([
      0,
      `{"lines":${rows},"accepted":${rows},"quarantined":0}\n`,
      false,
    ])
    expect([api.accepted.length, distinct()]).toEqual([times * rows, rows])
  }
  // The id is a member of the row itself, not of an object inside it.
  expect(api.accepted.every(({ data }) => !JSON.stringify(data).includes('"campaign":"spring","event_id"'))).toBe(true)
})

const wrapped = JSON.stringify({ page: 1, results: [visit(1), visit(2)] }, null, 1)

test.each<[string, string | Buffer, string]>([
  ['CSV', 'Id,Url,Timestamp\n771,/p1,1700000001\n', 'It looks like CSV.'],
  ['CSV with quoted names', '"Id";"Url"\n"771";"/p1"\n', 'It looks like CSV.'],
  ['a wrapper object', wrapped, 'is one object that wraps its rows in "results"'],
  ['a wrapper object on one line', JSON.stringify({ results: [visit(1)] }), 'is one object that wraps its rows in "results"'],
  ['carriage returns alone', lines(visit(1), visit(2)).replaceAll('\n', '\r'), 'Its lines end with carriage returns alone.'],
  ['values on one line', `${JSON.stringify(visit(1))}${JSON.stringify(visit(2))}`, 'several JSON values on one line'],
  ['a ZIP archive', Buffer.from('504b030414000000', 'hex'), 'It is a ZIP archive.'],
  ['Zstandard', Buffer.from('28b52ffd04000000', 'hex'), 'compressed with Zstandard'],
  ['damaged gzip', gzipSync(lines(visit(1))).subarray(0, 40), 'is gzip, but damaged'],
  ['XML', '<rows>\n<row/>\n</rows>', 'It looks like XML or HTML.'],
  ['text', 'hello\nworld\n', 'None of its lines is a JSON object.'],
  ['numbers', '1\n2\n', 'None of its lines is a JSON object.'],
  ['a stray bracket in an array', `[${JSON.stringify(visit(1))}},${JSON.stringify(visit(2))}]`, 'not a valid JSON array at byte'],
])('%s: refused in one line that names it, before anything is sent', async (_, content, message) => {
  const { code, stdout, stderr } = await send(content)
  expect([code, stdout, api.accepted]).toEqual([1, '', []])
  expect(stderr).toContain(message)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('CSV with one column is recognised by the name of the file', async () => {
  await writeFile(path.join(api.folder, 'rows.csv'), 'Id\n1\n2\n')
  const { code, stderr } = await millrace(['send', 'rows.csv', '--type', 'page_visit'], api.folder)
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('It looks like CSV. Convert it to JSON lines first, for example with `mlr'),
  ])
})

test('without --type the rows are envelopes of any types, and the file can be sent again', async () => {
  const content = lines(
    { type: 'page_visit', id: 'v-1', data: visit(1) },
    { type: 'signup', subject: 'u', data: { plan: 'free' } },
    { type: 'page_visit', data: { Id: 'x' } },
  )
  for (const times of [1, 2]) {
    const { code, stdout } = await sendAs(undefined, content, '--json')
    expect([code, stdout]).toEqual([0, '{"lines":3,"accepted":2,"quarantined":1}\n'])
    expect([api.accepted.length, distinct()]).toEqual([2 * times, 2])
  }
  expect(api.accepted.slice(0, 2).map(({ type, id, subject }) => [type, id, subject])).toEqual([
    ['page_visit', 'v-1', '1'],
    ['signup', expect.stringMatching(/^[0-9a-f]+$/), 'u'],
  ])
})

test.each<[string, string | undefined, string, string]>([
  [
    'rows without --type',
    undefined,
    lines(visit(1)),
    'The first row of rows has no type. Give the type of all rows with --type TYPE.',
  ],
  ['an array of rows without --type', undefined, JSON.stringify([visit(1)]), 'The first row of rows has no type.'],
  [
    'envelopes with --type',
    'page_visit',
    lines({ type: 'page_visit', data: visit(1) }),
    'is an envelope, not a row of page_visit. Send the file without --type.',
  ],
])('%s: refused in one line, before anything is sent', async (_, type, content, message) => {
  const { code, stdout, stderr } = await sendAs(type, content)
  expect([code, stdout, api.accepted]).toEqual([1, '', []])
  expect(stderr).toContain(message)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('milliseconds in the place of seconds: accepted where the type takes any integer, with a hint; else the reason says so', async () => {
  const visits = await send(
    lines(visit(1), visit(2, { Timestamp: 1_790_000_000_123 }), visit(3, { Timestamp: 1_790_000_000_456 })),
  )
  expect(visits).toMatchObject({ code: 0, stdout: '3 lines: 3 accepted, 0 quarantined.\n' })
  expect(visits.stderr).toContain(
    'Timestamp looks like milliseconds, but it is in seconds (rows: 2, the first in line 2). The time of these events is their arrival.\n',
  )
  const reading = await sendAs('reading', lines({ device_id: 'd', timestamp: 1_790_000_000_123 }))
  expect([reading.code, reading.stdout]).toEqual([
    1,
    expect.stringContaining('timestamp is out of range; it must be seconds since 1970, not milliseconds'),
  ])
  expect(reading.stderr).not.toContain('looks like milliseconds')
})

test('no hint for milliseconds where they are meant, or for a large number that is no time', async () => {
  const record = { id: 1_790_000_000_123, country: 'Peru', date: '01/02/2020', email: 'a@b.example' }
  const { stderr } = await sendAs('user_record', lines({ ...record, arrived_at: 1_790_000_000_123 }, record))
  expect(stderr).not.toContain('milliseconds')
})

test('quarantined rows: the command says where they are', async () => {
  const { stderr } = await send(lines(visit(1), { Id: 'x' }))
  expect(stderr).toContain('`npx millrace quarantine list` lists the quarantined rows with their reasons.')
})

test('rejections are printed by code, with their counts and the lines of the first ones', async () => {
  const bad = `${lines(visit(1), { Id: 'x' }, visit(2))}nope\n\n${lines({ Id: 2 }, { Id: 3 }, { Id: 4 }, { Id: 5 })}`
  const { code, stdout } = await send(bad)
  expect(code).toBe(0)
  expect(stdout).toContain('8 lines: 2 accepted, 6 quarantined.\n')
  const [, , ...table] = stdout.trimEnd().split('\n')
  expect(
    table.map(row =>
      row
        .trim()
        .split(/\s+/)
        .slice(0, 3)
        .slice(0, row.startsWith(' '.repeat(6)) ? 1 : 3),
    ),
  ).toEqual([['5', 'invalid_event', '2'], ['6'], ['7'], ['1', 'malformed_json', '4']])
})

test('exit code 1 when no row was accepted', async () => {
  const { code, stdout, stderr } = await send(lines({ Id: 'x' }, { Id: 'y' }), '--json')
  expect([code, stdout]).toEqual([1, '{"lines":2,"accepted":0,"quarantined":2}\n'])
  expect(stderr).toContain('invalid_event')
  expect(stderr.trimEnd().split('\n').at(-1)).toBe('No row of rows was accepted. Fix the rows and send the file again.')
})

test('lines = accepted + quarantined, also when lines together are a value, or hold white space that is not JSON', async () => {
  const { stdout } = await send(
    `${lines(visit(1))}nope\n{"Id":\n7}\n\u00a0\n\u000b\n[${JSON.stringify(visit(2))}]\n`,
    '--json',
    '--rate',
    '8',
  )
  expect(JSON.parse(stdout)).toEqual({ lines: 7, accepted: 1, quarantined: 6 })
})

test('an appended file sent again counts only what is new; after a change all that follows is new, and that is said', async () => {
  const rows = Array.from({ length: 5 }, (_, n) => visit(n))
  await send(lines(...rows))
  const appended = await send(lines(...rows, visit(5)))
  expect([appended.stderr.includes('changed'), api.accepted.length, distinct()]).toEqual([false, 11, 6])
  const changed = await send(lines(...rows.with(2, visit(99)), visit(5)))
  expect(changed.stderr).toContain(
    'The first 6 rows of rows have changed since they were sent: rows without an id count as new from the change on.',
  )
  expect(distinct()).toBe(6 + 4)
})

test('after a break, a file that grew continues after the last confirmed row', async () => {
  const rows = Array.from({ length: 3_000 }, (_, n) => visit(n))
  const stop = (_body: Buffer, _request: unknown, response: ServerResponse) =>
    Boolean(response.writeHead(401).end('{"success":false,"code":"key_unknown","message":"No."}'))
  api.responders.push(() => false, stop)
  expect((await send(lines(...rows))).code).toBe(1)
  const { stdout, stderr } = await send(lines(...rows, visit(3_000)), '--json')
  expect(JSON.parse(stdout)).toEqual({ lines: 3_001, accepted: 3_001, quarantined: 0 })
  expect(stderr).toContain('resuming after element 2500')
  expect(urls()).toEqual(Array.from({ length: 3_001 }, (_, n) => `/p${n}`))
})

test('two commands that send one file at once both end well', async () => {
  await writeFile(path.join(api.folder, 'rows'), lines(...Array.from({ length: 400 }, (_, n) => visit(n))))
  const run = () => millrace(['send', 'rows', '--type', 'page_visit', '--rate', '200', '--json'], api.folder)
  const both = await Promise.all([run(), run(), run()])
  expect(both.map(({ code, stdout }) => [code, stdout])).toEqual(
    both.map(() => [0, '{"lines":400,"accepted":400,"quarantined":0}\n']),
  )
  expect(distinct()).toBe(400)
})

test('`send -` reads standard input, and its rows are recognised when they are sent again', async () => {
  const { code, stdout } = await piped(lines(visit(1), visit(2)), '--json')
  expect([code, stdout]).toEqual([0, '{"lines":2,"accepted":2,"quarantined":0}\n'])
  expect((await piped(lines(visit(1), visit(2), visit(3)))).stdout).toBe('3 lines: 3 accepted, 0 quarantined.\n')
  expect([api.accepted.length, distinct()]).toEqual([5, 3])
})

/** A visit of this many bytes, without an id. */
const visitOf = (bytes: number): string => {
  const [start, end] = ['{"Id":45,"Timestamp":1764000000,"Url":"', '","more":"']
  const url = 'z'.repeat(500)
  return `${start}${url}${end}${'z'.repeat(bytes - start.length - url.length - end.length - 2)}"}`
}

test('the id that send adds does not make a row too large', async () => {
  const rows = [MAX_EVENT_BYTES - 8, MAX_EVENT_BYTES, MAX_EVENT_BYTES + 1].map(visitOf)
  const { stdout } = await send(rows.join('\n'))
  expect(stdout).toContain('3 lines: 2 accepted, 1 quarantined.')
  expect(stdout).toMatch(/1 {2}event_too_large {2}\s*3/)
})

test.each([MAX_BODY_BYTES - 40, MAX_BODY_BYTES, MAX_BODY_BYTES + 1])(
  'a row of %d bytes is named, and the others are sent',
  async size => {
    const { code, stdout } = await send(`${visitOf(200 + 500)}\n${visitOf(size)}\n${visitOf(800)}\n`)
    expect(code).toBe(0)
    expect(stdout).toContain('3 lines: 2 accepted, 1 quarantined.')
    expect(stdout).toMatch(/1 {2}event_too_large +2 {2}The row is larger than 4 MB/)
  },
)

test.each([403, 404])('a %d without a code of the API is waited for', async status => {
  api.responders.push((_body, _request, response) => Boolean(response.writeHead(status).end('{"message":"Not Found"}')))
  const { code, stderr } = await send(lines(visit(1)))
  expect(code).toBe(0)
  expect(stderr).toContain(`waiting: ${status} Not Found`)
})

test('what a server, a client or a file name says reaches the terminal visibly', async () => {
  const raw = '\u001b[2J\u009b\u202e'
  api.responders.push((_body, _request, response) =>
    Boolean(response.writeHead(503, { 'retry-after': '0' }).end(JSON.stringify({ success: false, code: 'x', message: raw }))),
  )
  api.responders.push((_body, _request, response) => Boolean(response.writeHead(400).end(`proxy ${raw}\nfake line`)))
  const { code, stderr } = await send(lines(visit(1)))
  expect(code).toBe(1)
  expect(stderr).toContain('waiting: 503 x \\u001b[2J\\u009b\\u202e\n')
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/rejected the events: 400 proxy \\u001b\[2J\\u009b\\u202e\\nfake line$/)
  const missing = await millrace(['send', `no${raw}`, '--type', 'page_visit'], api.folder)
  expect(missing.stderr).toMatch(/^no\\u001b\[2J\\u009b\\u202e cannot be read/)
})

test('a row that is not UTF-8 is rejected alone and its line is printed, in lines, arrays and values of several lines', async () => {
  const bad = Buffer.from(JSON.stringify(visit(2, { Url: '/caf\u00e9' })), 'latin1')
  const around = (start: string, end: string) => Buffer.concat([Buffer.from(start), bad, Buffer.from(end)])
  const files = [
    around(lines(visit(1)), `\n${lines(visit(3))}`),
    around(`[${JSON.stringify(visit(1))},\n`, `,\n${JSON.stringify(visit(3))}]`),
    around(pretty(visit(1)), `\n${pretty(visit(3))}`),
  ]
  for (const [at, file] of files.entries()) {
    const { code, stdout } = await send(file)
    expect([code, stdout.split('\n')[0]]).toEqual([0, '3 lines: 2 accepted, 1 quarantined.'])
    expect(stdout).toMatch(new RegExp(`1 {2}malformed_json +${[2, 2, 6][at]} {2}The event is not valid UTF-8: byte 0xE9`))
  }
})
