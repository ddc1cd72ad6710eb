import { copyFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { jest } from '@jest/globals'
import { MAX_BODY_BYTES } from '../../shared/limits.ts'
import { millrace } from '../fixtures/command.ts'
import { sendServer } from '../fixtures/send-server.ts'

// Each test starts processes.
jest.setTimeout(60_000)

let api: Awaited<ReturnType<typeof sendServer>>
beforeEach(async () => {
  api = await sendServer()
})
afterEach(() => api.close())

const send = (name: string) => millrace(['send', name, '--type', 'page_visit', '--json'], api.folder)

/** Files with which products of this kind had faults. */
async function sendInput(name: string) {
  await copyFile(fileURLToPath(new URL(`../golden/inputs/${name}`, import.meta.url)), path.join(api.folder, name))
  return send(name)
}

test.each([
  ['one-pretty-object.json', 1, 0],
  ['pretty-with-nested-line.json', 1, 0],
  ['pretty-concatenated.json', 3, 0],
  ['rows.ndjson.gz', 3, 0],
  ['one-latin1-row.ndjson', 4, 1],
])('%s sent twice: %i rows are accepted, %i quarantined, and no row is new', async (name, accepted, quarantined) => {
  for (const _ of ['first', 'again']) {
    const { code, stdout } = await sendInput(name)
    expect([code, JSON.parse(stdout)]).toEqual([0, { lines: accepted + quarantined, accepted, quarantined }])
  }
  expect(new Set(api.accepted.map(({ id }) => id)).size).toBe(accepted)
})

test.each([
  ['wrapped.json', 'is one object that wraps its rows in "results"'],
  ['table.csv', 'It looks like CSV.'],
])('%s is refused in one line, before anything is sent', async (name, message) => {
  const { code, stdout, stderr } = await sendInput(name)
  expect([code, stdout, api.accepted]).toEqual([1, '', []])
  expect(stderr).toContain(message)
})

test.each([
  [32_760, 0, { lines: 1, accepted: 1, quarantined: 0 }],
  [MAX_BODY_BYTES, 1, { lines: 1, accepted: 0, quarantined: 1 }],
])('a row of %i bytes without an id', async (bytes, code, totals) => {
  const [start, end] = ['{"Id":45,"Timestamp":1764000000,"Url":"', '"}']
  await writeFile(path.join(api.folder, 'row'), `${start}${'z'.repeat(bytes - start.length - end.length)}${end}\n`)
  const { code: exit, stdout } = await send('row')
  expect([exit, JSON.parse(stdout)]).toEqual([code, totals])
})

test('the hints of the API to envelopes are printed', async () => {
  await writeFile(path.join(api.folder, 'envelopes'), '{"type":"t","id":"1","user":"anna"}\n{"type":"t","id":"2","user":"bob"}\n')
  const { code, stdout, stderr } = await millrace(['send', 'envelopes', '--json'], api.folder)
  expect([code, JSON.parse(stdout)]).toEqual([0, { lines: 2, accepted: 2, quarantined: 0 }])
  expect(stderr).toMatch(/^user is not a field of an envelope and was ignored \(2 events\): use subject, or put it into data\.$/m)
})
