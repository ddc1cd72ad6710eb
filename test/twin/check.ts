// Deploys the templates of the stages to moto, a second emulator of AWS, and deletes them again. Exits with code 1 if moto or botocore
// refuses a resource, if another number of resources is left than the template keeps, or if parliament finds something in a policy.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { settingsFor } from '../../infra/settings.ts'
import type { Settings } from '../../infra/settings-types.ts'
import { run } from '../../localstack/cache.ts'
import { findPython, installPackages } from '../../localstack/python.ts'
import { templateOf, templateWith } from '../fixtures/infra-templates.ts'
import { type Twin, twinProblems } from './plan-twin.ts'

const domain: Settings['api']['domain'] = {
  name: 'events.example.com',
  certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/c',
  hostedZone: 'none',
}
const ownDomain = { api: { ...settingsFor('dev').api, domain, defaultAddress: 'off' } } as const
const athena = { reports: { ...settingsFor('dev').reports, engine: 'athena' } } as const
const stacks = [
  ['dev', templateOf('dev')],
  ['prod', templateOf('prod')],
  ['dev with a domain of its own', templateWith('dev', ownDomain)],
  ['dev with Athena', templateWith('dev', athena)],
] as const

/** Deploys a template and deletes it. moto answers every call in the same process, so that the key is that of nobody. */
async function deployed(template: string, packages: string): Promise<Twin> {
  const { command } = await findPython()
  const { PATH, HOME, TMPDIR } = process.env
  const env = { PATH, HOME, TMPDIR, LANG: 'C.UTF-8', PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' }
  const aws = { AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nobody', AWS_EC2_METADATA_DISABLED: 'true' }
  const script = path.join(import.meta.dirname, 'twin.py')
  const { code, output, stdout } = await run(command, ['-W', 'ignore', script, template], { env: { ...env, ...aws } })
  if (code !== 0) throw new Error(`The deployment to moto failed: ${output}`)
  return JSON.parse(stdout) as Twin
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-twin-'))
try {
  console.log('Installing moto and parliament (100 MB, first run only)')
  const packages = await installPackages(path.join(import.meta.dirname, 'requirements.txt'), 'twin', () => undefined)
  for (const [stage, made] of stacks) {
    const template = made.toJSON() as Parameters<typeof twinProblems>[0]
    const file = path.join(folder, `${stage}.json`)
    writeFileSync(file, JSON.stringify(template))
    const twin = await deployed(file, packages)
    const problems = twinProblems(template, twin)
    for (const problem of problems) console.error(`${stage}: ${problem}`)
    if (problems.length > 0) process.exitCode = 1
    const left = Object.values(twin.left).flat().length
    console.log(
      `${stage}: ${twin.stacked} resources created by the CloudFormation of moto, ${twin.made} by APIs; ${left} left after the deletion`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
