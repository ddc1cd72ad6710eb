import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What is missing in the user's AWS settings, as one line that says what to do; undefined for any other error. */
export function settingsProblem({ name, message }: Error, env: NodeJS.ProcessEnv): string | undefined {
  const isRegion = message === 'Region is missing'
  if (!isRegion && name !== 'CredentialsProviderError') return undefined
  const profile = env['AWS_PROFILE']
  if (profile && !isProfile(profile, env))
    return `AWS_PROFILE is ${profile}, and there is no such profile. List yours with \`aws configure list-profiles\`.`
  if (isRegion) return 'Set AWS_REGION to the region of the stage.'
  if (profile)
    return `The profile ${profile} has no valid credentials. Log in, for example with \`aws sso login --profile ${profile}\`.`
  return 'There are no AWS credentials. Log in, or set AWS_PROFILE.'
}

/** Whether a profile is in the files that the SDK reads. */
function isProfile(name: string, env: NodeJS.ProcessEnv): boolean {
  const folder = join(homedir(), '.aws')
  const files = [
    env['AWS_CONFIG_FILE'] ?? join(folder, 'config'),
    env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(folder, 'credentials'),
  ]
  const lines = files.filter(file => existsSync(file)).flatMap(file => readFileSync(file, 'utf8').split('\n'))
  return lines.some(line => /^\[\s*(?:profile\s+)?(.*?)\s*\]/.exec(line.trim())?.[1] === name)
}
