import { eventTypes, projections, reports } from '../shared/catalogue.ts'
import { recordedRevisions } from '../shared/revisions.ts'
import { UserError } from '../shared/user-error.ts'
import { definitionProblems } from './definition-problems.ts'
import { type Fingerprint, fingerprintOf } from './fingerprint.ts'
import { revisionProblems } from './plan-revisions.ts'
import { findSources, readSource, type Sources } from './sources.ts'

/** What cannot work in the catalogue; if nothing, how it differs from revisions.json. One line for each problem. */
export async function catalogueProblems(): Promise<string[]> {
  const fileOf = await findSources()
  const problems = definitionProblems({ eventTypes, projections, reports }, fileOf)
  return problems.length > 0 ? problems : revisionProblems(fingerprints(fileOf), recordedRevisions)
}

/** Throws a UserError if the catalogue has a problem. */
export async function requireSoundCatalogue(): Promise<void> {
  const [problem, ...more] = await catalogueProblems()
  if (problem === undefined) return
  throw new UserError(more.length === 0 ? problem : `${problem} (${more.length} more: \`npx millrace catalogue --check\`)`)
}

/** The projections of the catalogue. Throws a UserError if a definition cannot work. */
export async function fingerprintCatalogue(): Promise<Fingerprint[]> {
  const fileOf = await findSources()
  const [problem] = definitionProblems({ eventTypes, projections, reports }, fileOf)
  if (problem !== undefined) throw new UserError(problem)
  return fingerprints(fileOf)
}

const fingerprints = (fileOf: Sources): Fingerprint[] =>
  projections.map(projection => {
    const file = fileOf(projection)
    return fingerprintOf(projection, file, readSource(file))
  })
