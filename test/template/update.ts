// Compares the templates of the stages with those of earlier releases in test/golden/release/. Exits with code 1 if an update would
// delete or replace a store. `--record VERSION` records the templates of a release.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { installPackages } from '../../localstack/python.ts'
import { templateOf } from '../fixtures/infra-templates.ts'
import { type CreateOnly, isLasting, type Template, updateProblems } from './plan-update.ts'

const STAGES = ['dev', 'prod']
const RELEASES = path.join(import.meta.dirname, '../golden/release')
const REGION = 'us-east-1'

const fileOf = (version: string, stage: string): string => path.join(RELEASES, version, `${stage}.template.json`)
const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T
const today = (stage: string): Template => templateOf(stage).toJSON() as Template

/** Reads the resource schemas of CloudFormation, which cfn-lint carries. Throws for a type that it does not know. */
async function schemas(): Promise<CreateOnly> {
  const packages = await installPackages(path.join(import.meta.dirname, 'requirements.txt'), 'template-checks', () => undefined)
  const folder = path.join(packages, 'cfnlint/data/schemas')
  const files = readJson<Record<string, string>>(path.join(folder, 'providers', `${REGION}.json`))
  const known = new Map<string, readonly string[]>()
  return type => {
    const cached = known.get(type)
    if (cached) return cached
    const file = files[type]
    if (!file) throw new Error(`cfn-lint has no schema of ${type}.`)
    const schema = readJson<Schema>(path.join(folder, 'resources', `${file}.json`))
    const pointers = [...(schema.createOnlyProperties ?? []), ...(schema.conditionalCreateOnlyProperties ?? [])]
    const paths = pointers.map(pointer => pointer.replace('/properties/', ''))
    known.set(type, paths)
    return paths
  }
}

interface Schema {
  readonly createOnlyProperties?: readonly string[]
  /** Properties whose change replaces the resource in some cases. */
  readonly conditionalCreateOnlyProperties?: readonly string[]
}

function record(version: string): void {
  mkdirSync(path.join(RELEASES, version), { recursive: true })
  for (const stage of STAGES) writeFileSync(fileOf(version, stage), `${JSON.stringify(today(stage), null, 1)}\n`)
  console.log(`Recorded the templates of ${STAGES.join(' and ')} as those of release ${version}.`)
}

async function compare(): Promise<void> {
  const createOnly = await schemas()
  for (const version of readdirSync(RELEASES))
    for (const stage of STAGES) {
      const before = readJson<Template>(fileOf(version, stage))
      const problems = updateProblems(before, today(stage), createOnly)
      for (const problem of problems) console.error(`${stage}, update from ${version}: ${problem}`)
      if (problems.length > 0) process.exitCode = 1
      const lasting = Object.values(before.Resources).filter(isLasting).length
      console.log(`${stage}, update from ${version}: ${lasting - problems.length} of ${lasting} lasting resources stay`)
    }
}

const [option, version] = process.argv.slice(2)
if (option === '--record' && version) record(version)
else await compare()
