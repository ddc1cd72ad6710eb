import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findTarget } from '../../cli/target.ts'
import { installPackages } from '../../localstack/python.ts'
import { countedActions, countUnderTroubles, eachOnce, newUser, type Program, runProgram } from '../clients/sdk-run.ts'
import { millraceJson } from '../fixtures/command.ts'

const MINUTES = 60_000
const EVENTS = 20

const sdk = (file: string): string => path.resolve(import.meta.dirname, '../clients/sdk', file)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-clients-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const node = async (file: string): Promise<Program> => ({ command: process.execPath, args: [sdk(file)] })
const python = async (name: string): Promise<Program> => ({
  command: 'python3',
  args: [sdk(`${name}.py`)],
  environment: { PYTHONPATH: await installPackages(sdk(`${name}.txt`), name, () => {}), PYTHONDONTWRITEBYTECODE: '1' },
})
const shell = async (file: string): Promise<Program> => ({
  command: 'sh',
  args: [sdk(file)],
  environment: { MILLRACE_FOLDER: folder },
})

test.each<[string, () => Promise<Program>]>([
  ['@segment/analytics-node', () => node('segment-node.ts')],
  ['@rudderstack/rudder-sdk-node', () => node('rudder-node.ts')],
  ['segment-analytics-python', () => python('segment_python')],
  ['analytics-python, the old one', () => python('segment_python_old')],
  ['curl with NDJSON', () => shell('ndjson.sh')],
])(
  '%s: every event is counted once, whatever the API does to it',
  async (_, make) => {
    expect(await countUnderTroubles(await make(), EVENTS)).toEqual(eachOnce(EVENTS))
  },
  10 * MINUTES,
)

test(
  'cloudevents, binary and structured: every event is counted once; this SDK sends an event one time only',
  async () => {
    const user = newUser()
    await runProgram(await node('cloudevents.ts'), user, EVENTS)
    expect(await countedActions([user])).toEqual([EVENTS])
  },
  5 * MINUTES,
)

test('a page of another origin may send, with every header that SDKs add', async () => {
  const { apiUrl } = await findTarget(undefined)
  const headers = { origin: 'https://shop.example.com', 'access-control-request-method': 'POST' }
  const answer = await fetch(`${apiUrl}/v1/t`, { method: 'OPTIONS', headers })
  expect(answer.status).toBe(204)
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example.com')
  expect(answer.headers.get('access-control-allow-headers')).toContain('x-retry-count')
})

test(
  'what JavaScript gives a meaning to, and NUL, are in every store as they were sent',
  async () => {
    const target = await findTarget(undefined)
    const userId = `hostile-${newUser()}`
    const traits = '{"__proto__":{"a":1},"constructor":{"prototype":2},"nul":"\\u0000"}'
    const ask = async (path: string, key: string, body?: string) => {
      const init = { headers: { authorization: `Bearer ${key}` }, ...(body && { method: 'POST', body }) }
      const answer = await fetch(`${target.apiUrl}${path}`, init)
      return [answer.status, await answer.text()] as const
    }
    const sent = await ask('/v1/identify', target.key('write'), `{"userId":"${userId}","traits":${traits}}`)
    expect(sent).toEqual([200, '{"success":true,"accepted":1,"quarantined":[]}'])
    expect(await millraceJson('status', '--wait', '240')).toMatchObject({ settled: true })
    for (const path of [`/v1/users/${userId}`, `/v1/projections/user-traits?key=${userId}`, '/v1/events/user_traits?limit=1'])
      expect(await ask(path, target.key('read'))).toEqual([200, expect.stringContaining(`"traits":${traits}`)])
  },
  5 * MINUTES,
)
