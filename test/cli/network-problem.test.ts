import { networkProblem } from '../../cli/network-problem.ts'
import { millrace } from '../fixtures/command.ts'

const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' })
const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND kinesis.eu-west-1.amazonaws.com'), { code: 'ENOTFOUND' })

const none = (): string[] => []

test.each([refused, unknown])('of a stage, AWS does not respond: %p', error => {
  expect(networkProblem(error, ['keys', 'list', '--stage', 'dev'], none)).toBe(
    `AWS does not respond (${error.message}). Check the network, the region and AWS_ENDPOINT_URL.`,
  )
  expect(networkProblem(error, ['keys', 'list', '--stage=dev'], none)).toMatch(/^AWS does not respond/)
})

test('without a stage, the local cloud does not respond, and what has ended is named', () => {
  expect(networkProblem(refused, ['keys', 'list'], none)).toBe(
    'The local cloud does not respond. Start it with `npx millrace up`.',
  )
  expect(networkProblem(refused, ['status'], () => ['OpenSearch has ended.'])).toBe(
    'The local cloud does not respond. OpenSearch has ended. Start it with `npx millrace up`.',
  )
})

test('any other error is no problem of the network', () => {
  expect(networkProblem(new Error('x'), ['status', '--stage', 'dev'], none)).toBeUndefined()
  expect(networkProblem(Object.assign(new Error('x'), { code: 'ENOENT' }), ['status'], none)).toBeUndefined()
})

test('a command on a stage never asks to start the local cloud', async () => {
  const keys = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  const env = { ...process.env, ...keys, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }
  const { code, stdout, stderr } = await millrace(['keys', 'list', '--stage', 'dev'], undefined, env)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^AWS does not respond \(.*ECONNREFUSED.*\)\. Check the network, the region and AWS_ENDPOINT_URL\.\n$/)
}, 60_000)
