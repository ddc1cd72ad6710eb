// Checks the templates of the stages with cdk-nag (part of the synthesis), cfn-lint and checkov. Exits with code 1 if a finding has
// no exception in exceptions.ts, or an exception has no finding. Also compares the actions that test/rights knows with AWS's list.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run } from '../../localstack/cache.ts'
import { findPython, installPackages } from '../../localstack/python.ts'
import { stackName } from '../../shared/outputs.ts'
import { checkKnownActions } from '../rights/documented-actions.ts'
import { usedActions } from '../rights/used-actions.ts'
import { exceptions } from './exceptions.ts'
import { type Finding, fromCfnLint, fromCheckov, judge } from './findings.ts'

const STAGES = ['dev', 'prod']
/** The templates by name, each with the arguments of cdk that make it. */
const templates = [
  ...STAGES.map(stage => [stage, stage, ['--context', `stage=${stage}`]] as const),
  ['dev with Athena', 'dev', ['--app', 'node test/template/athena-app.ts']] as const,
]
/** The bits in the exit code of cfn-lint that report findings. */
const CFN_LINT_FOUND = 2 + 4 + 8

/** Only what the tools need to run. They get no AWS credentials. */
const environment = (packages: string) => {
  const { PATH, HOME, TMPDIR, ...others } = process.env
  const npm = Object.entries(others).filter(([name]) =>
    /^(npm_config_|NPM_CONFIG_|https?_proxy$|HTTPS?_PROXY$|NODE_EXTRA)/.test(name),
  )
  return {
    ...Object.fromEntries(npm),
    PATH,
    HOME,
    TMPDIR,
    AWS_EC2_METADATA_DISABLED: 'true',
    PYTHONPATH: packages,
    LANG: 'C.UTF-8',
  }
}

async function synthesise(stage: string, made: readonly string[], folder: string): Promise<string> {
  const args = ['synth', '--quiet', '--no-notices', ...made, '--output', folder]
  const { code, output } = await run('node_modules/.bin/cdk', args)
  if (code !== 0) throw new Error(`cdk synth failed for stage ${stage}: ${output}`)
  return path.join(folder, `${stackName(stage)}.template.json`)
}

async function findingsIn(template: string, packages: string): Promise<Finding[]> {
  const { command } = await findPython()
  const env = environment(packages)
  const reports = path.dirname(template)
  const lintReport = path.join(reports, 'cfn-lint.json')
  const lint = [
    path.join(packages, 'bin', 'cfn-lint'),
    '--regions',
    'ALL_REGIONS',
    '--format',
    'json',
    '--output-file',
    lintReport,
    template,
  ]
  const { code, output } = await run(command, lint, { env })
  if ((code & ~CFN_LINT_FOUND) !== 0) throw new Error(`cfn-lint failed: ${output}`)
  const options = ['--framework', 'cloudformation', '--quiet', '--skip-download', '--soft-fail']
  const checkov = ['-m', 'checkov.main', ...options, '--output', 'json', '--output-file-path', reports, '--file', template]
  const checked = await run(command, checkov, { env })
  if (checked.code !== 0) throw new Error(`checkov failed: ${checked.output}`)
  return [
    ...fromCfnLint(readFileSync(lintReport, 'utf8')),
    ...fromCheckov(readFileSync(path.join(reports, 'results_json.json'), 'utf8')),
  ]
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-template-'))
try {
  console.log('Installing cfn-lint and checkov (400 MB, first run only)')
  const packages = await installPackages(path.join(import.meta.dirname, 'requirements.txt'), 'template-checks', () => undefined)
  const all: Finding[] = []
  for (const [name, stage, made] of templates) {
    const findings = await findingsIn(await synthesise(stage, made, path.join(folder, name.replaceAll(' ', '-'))), packages)
    const { open } = judge(findings, exceptions)
    console.log(
      `${name}: ${findings.length} findings of cfn-lint and checkov, ${findings.length - open.length} with an exception; none of cdk-nag`,
    )
    for (const { check, resource, text } of open) console.error(`${name}: ${check} ${resource}: ${text}`)
    if (open.length > 0) process.exitCode = 1
    all.push(...findings)
  }
  for (const { check, reason } of judge(all, exceptions).unused) {
    console.error(
      `No template has the finding ${check} any more; remove its exception from test/template/exceptions.ts: ${reason}`,
    )
    process.exitCode = 1
  }
  const actions = [...new Set(STAGES.flatMap(usedActions))].sort()
  for (const problem of await checkKnownActions(actions, environment(packages), process.argv.includes('--record'))) {
    console.error(problem)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
