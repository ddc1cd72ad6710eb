import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { settingsProblem } from '../../cli/aws-settings.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const config = path.join(temporaryFolder('aws-settings'), 'config')
beforeAll(() => writeFileSync(config, '[default]\nregion = eu-west-1\n\n[profile work]\nsso_session = x\n'))

const noCredentials = Object.assign(new Error('no provider'), { name: 'CredentialsProviderError' })
const noRegion = new Error('Region is missing')
const env = (profile?: string) => ({
  AWS_CONFIG_FILE: config,
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  ...(profile && { AWS_PROFILE: profile }),
})

test.each([noCredentials, noRegion])('a profile that does not exist is named, also when %p', error => {
  expect(settingsProblem(error, env('nope'))).toBe(
    'AWS_PROFILE is nope, and there is no such profile. List yours with `aws configure list-profiles`.',
  )
})

test('a profile that exists has no valid credentials, or no region', () => {
  expect(settingsProblem(noCredentials, env('work'))).toBe(
    'The profile work has no valid credentials. Log in, for example with `aws sso login --profile work`.',
  )
  expect(settingsProblem(noRegion, env('work'))).toBe('Set AWS_REGION to the region of the stage.')
})

test('without a profile the credentials are missing, and any other error is no matter of settings', () => {
  expect(settingsProblem(noCredentials, env())).toBe('There are no AWS credentials. Log in, or set AWS_PROFILE.')
  expect(settingsProblem(new Error('x'), env('nope'))).toBeUndefined()
})
