import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { savedObjects } from '../../cli/dashboards/saved-objects.ts'
import { eventTypes, projections } from '../../shared/catalogue.ts'
import { type LocalOutputs, outputsWithoutKeys } from '../../shared/outputs.ts'
import { millrace } from '../fixtures/command.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('local-json')

test('`up --json` prints the outputs without keys', () => {
  const secrets = {
    ...{ writeKey: 'secret-1', readKey: 'secret-2', adminKey: 'secret-3' },
    ...{ accessKeyId: 'secret-4', secretAccessKey: 'secret-5', sessionToken: 'secret-6' },
  }
  const open = {
    ...{ apiUrl: 'http://127.0.0.1:1', opensearchUrl: 'http://127.0.0.1:2', awsEndpointUrl: 'http://127.0.0.1:3' },
    ...{ region: 'us-east-1', streamName: 's', stateTable: 't', archiveBucket: 'b', consoleUrl: 'http://127.0.0.1:1/' },
    stack: { StreamName: 's' },
  }
  expect(outputsWithoutKeys({ ...open, ...secrets } as unknown as LocalOutputs)).toEqual(open)
})

test('`down --json` names what it stopped', async () => {
  expect(await millrace(['down', '--json'], folder)).toEqual({ code: 0, stdout: '{"stopped":[],"killed":[]}\n', stderr: '' })
})

test('`reset --json` names the folder that it deleted', async () => {
  const deleted = async (...args: string[]) => JSON.parse((await millrace(['reset', '--json', ...args], folder)).stdout)
  expect(await deleted()).toEqual({ deleted: [] })
  const data = path.join(folder, '.millrace')
  mkdirSync(data)
  expect(await deleted('--yes')).toEqual({ deleted: [expect.stringMatching(/\.millrace$/)] })
  expect(existsSync(data)).toBe(false)
})

test('`dashboards --json` prints the objects as an array', async () => {
  const { code, stdout } = await millrace(['dashboards', '--json'], folder)
  expect([code, JSON.parse(stdout)]).toEqual([0, JSON.parse(JSON.stringify(savedObjects(eventTypes, projections)))])
})

test('`demo --json` needs --once', async () => {
  expect(await millrace(['demo', '--json'], folder)).toEqual({
    code: 2,
    stdout: '',
    stderr: 'Give --json together with --once.\n',
  })
})
