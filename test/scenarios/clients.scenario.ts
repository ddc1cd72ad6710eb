import path from 'node:path'
import { findTarget } from '../../cli/target.ts'
import { installPackages } from '../../localstack/python.ts'
import { countedActions, countUnderFaults, eachOnce, newUser, type Program, runProgram } from '../clients/sdk-run.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { untilSettled } from '../fixtures/thread.ts'

const MINUTES = 60_000
const EVENTS = 20

const sdk = (file: string): string => path.resolve(import.meta.dirname, '../clients/sdk', file)

const folder = temporaryFolder('clients')

const node = async (file: string, scope: Program['scope'] = 'client'): Promise<Program> => ({
  ...{ command: process.execPath, args: [sdk(file)], scope },
})
const python = async (name: string): Promise<Program> => ({
  command: 'python3',
  args: [sdk(`${name}.py`)],
  scope: 'client',
  environment: { PYTHONPATH: await installPackages(sdk(`${name}.txt`), name, () => {}), PYTHONDONTWRITEBYTECODE: '1' },
})
const shell = async (file: string): Promise<Program> => ({
  command: 'sh',
  args: [sdk(file)],
  scope: 'write',
  environment: { MILLRACE_FOLDER: folder },
})

test.each<[string, () => Promise<Program>]>([
  ['@segment/analytics-node', () => node('segment-node.ts')],
  ['@rudderstack/rudder-sdk-node', () => node('rudder-node.ts')],
  ['segment-analytics-python', () => python('segment_python')],
  ['analytics-python, the deprecated predecessor', () => python('segment_python_old')],
  ['curl with NDJSON', () => shell('ndjson.sh')],
])(
  '%s: every event is counted once under every fault of the API',
  async (_, make) => {
    expect(await countUnderFaults(await make(), EVENTS)).toEqual(eachOnce(EVENTS))
  },
  10 * MINUTES,
)

test(
  'cloudevents, binary and structured: every event is counted once (this SDK does not retry)',
  async () => {
    const user = newUser()
    await runProgram(await node('cloudevents.ts', 'write'), user, EVENTS)
    expect(await countedActions([user])).toEqual([EVENTS])
  },
  5 * MINUTES,
)

test('CORS allows a page of any origin to send, with the headers that SDKs add', async () => {
  const { apiUrl } = await findTarget(undefined)
  const headers = { origin: 'https://shop.example.com', 'access-control-request-method': 'POST' }
  const response = await fetch(`${apiUrl}/v1/t`, { method: 'OPTIONS', headers })
  expect(response.status).toBe(204)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  expect(response.headers.get('access-control-allow-headers')).toContain('x-retry-count')
})

test(
  'every store keeps __proto__, constructor and NUL as they were sent',
  async () => {
    const target = await findTarget(undefined)
    const userId = `hostile-${newUser()}`
    const traits = '{"__proto__":{"a":1},"constructor":{"prototype":2},"nul":"\\u0000"}'
    const request = async (path: string, key: string, body?: string) => {
      const init = { headers: { authorization: `Bearer ${key}` }, ...(body && { method: 'POST', body }) }
      const response = await fetch(`${target.apiUrl}${path}`, init)
      return [response.status, await response.text()]
    }
    const identified = await request('/v1/identify', target.key('write'), `{"userId":"${userId}","traits":${traits}}`)
    expect(identified).toEqual([200, '{"success":true,"accepted":1,"quarantined":[]}'])
    await untilSettled(240)
    for (const path of [`/v1/users/${userId}`, `/v1/projections/user-traits?key=${userId}`, '/v1/events/user_traits?limit=1'])
      expect(await request(path, target.key('read'))).toEqual([200, expect.stringContaining(`"traits":${traits}`)])
  },
  5 * MINUTES,
)
