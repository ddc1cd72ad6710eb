import path from 'node:path'
import { catalogueProblems, fingerprintCatalogue } from '../../catalogue/check.ts'
import { planAccept, planRecord } from '../../catalogue/plan-revisions.ts'
import { writeWhole } from '../../localstack/whole-file.ts'
import { type RecordedRevisions, recordedRevisions } from '../../shared/revisions.ts'
import { visible } from '../visible.ts'

const FILE = path.join(import.meta.dirname, '../../revisions.json')

/** Prints one line for each problem of the catalogue. The command fails if there is one. */
export async function checkRevisions(): Promise<void> {
  const problems = await catalogueProblems()
  for (const problem of problems) console.error(visible(problem))
  if (problems.length > 0) process.exitCode = 1
  else console.log('The definitions can work, and the projections are as revisions.json records them.')
}

/** Records new projections and revisions, and what was removed, then checks. */
export async function record(): Promise<void> {
  const { recorded, lines } = planRecord(await fingerprintCatalogue(), recordedRevisions)
  write(recorded, lines.length > 0 ? lines : ['revisions.json has all projections and revisions of the catalogue.'])
}

/** Records a projection whose module changed and whose results did not. */
export async function acceptChange(name: string): Promise<void> {
  const { recorded, lines } = planAccept(name, await fingerprintCatalogue(), recordedRevisions)
  write(recorded, lines.length > 0 ? lines : [`${name} is as revisions.json records it.`])
}

function write(recorded: RecordedRevisions, lines: readonly string[]): void {
  writeWhole(FILE, `${JSON.stringify(recorded, null, 2)}\n`)
  for (const line of lines) console.log(line)
}
