import { readFileSync } from 'node:fs'
import { settingsFor } from '../../../infra/settings.ts'
import { templateWith } from '../../fixtures/infra-templates.ts'
import { allowed, statementsByRole } from '../../fixtures/role-rights.ts'

interface Statement {
  readonly Effect: 'Allow'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: object
}

const page = readFileSync('docs/sql.md', 'utf8')
const [forDuckDb = [], forAthena = []] = [...page.matchAll(/```json\n(.*?)\n```/gs)].map(
  ([, text = '']) => (JSON.parse(text) as { Statement: Statement[] }).Statement,
)

/** The rights of the reports function of a stage with Athena, in the words of the page. */
function rightsOfReports(): Record<string, string> {
  const dev = settingsFor('dev')
  const template = templateWith('dev', { reports: { ...dev.reports, engine: 'athena' } })
  const rights = allowed(statementsByRole(template).get('ReportsFunctionRole') ?? [])
  const inWords = (arn: string): string =>
    arn
      .replace('<ArchiveBucket.Arn>', 'arn:aws:s3:::BUCKET')
      .replace('<AWS::Partition>', 'aws')
      .replace('<AWS::Region>', 'REGION')
      .replace('<AWS::AccountId>', 'ACCOUNT')
      .replace('workgroup/millrace-dev', 'workgroup/GROUP')
      .replace('millrace_dev', 'DATABASE')
  return Object.fromEntries(Object.entries(rights).map(([arn, actions]) => [inWords(arn), actions]))
}

const without = (actions: string | undefined, ...left: string[]): string | undefined =>
  actions
    ?.split(' ')
    .filter(action => !left.includes(action))
    .join(' ')

test('the policy for Athena has what Athena needs of the reports function, and nothing that deletes or reads repetitions', () => {
  const [reports, person] = [rightsOfReports(), allowed(forAthena)]
  const ofAthena = Object.keys(person).filter(arn => /:(athena|glue):/.test(arn))
  expect(ofAthena).toHaveLength(6)
  for (const arn of ofAthena) expect([arn, person[arn]]).toEqual([arn, reports[arn]])
  expect(Object.keys(reports).filter(arn => /:(athena|glue):/.test(arn) && !ofAthena.includes(arn))).toEqual([
    'arn:aws:glue:REGION:ACCOUNT:table/DATABASE/repetitions',
  ])
  expect(person['arn:aws:s3:::BUCKET/athena/results/*']).toBe(without(reports['arn:aws:s3:::BUCKET/athena/*'], 's3:DeleteObject'))
  expect(person['arn:aws:s3:::BUCKET']).toBe(reports['arn:aws:s3:::BUCKET'])
})

test('it reads the archive as the policy for DuckDB does, and lists only what Athena reads and writes', () => {
  const isList = ({ Action }: Statement): boolean => Action === 's3:ListBucket'
  expect(forAthena.filter(statement => !isList(statement))).toEqual(
    expect.arrayContaining(forDuckDb.filter(each => !isList(each))),
  )
  expect(forAthena.filter(isList).map(({ Condition }) => Condition)).toEqual([
    { StringLike: { 's3:prefix': ['events/*', 'archive/*', 'athena/*'] } },
  ])
  expect(forAthena.flatMap(({ Action }) => Action).filter(action => /Delete|\*/.test(action))).toEqual([])
})

test('the actions of Athena are the commands that a query sends', () => {
  const sent = [...readFileSync('lambdas/archive/athena.ts', 'utf8').matchAll(/new (\w+)Command\(|paginate(\w+)\(/g)]
  const actions = new Set(sent.map(([, command, pages]) => `athena:${command ?? pages}`))
  const permitted = forAthena.flatMap(({ Action }) => Action).filter(action => action.startsWith('athena:'))
  expect(new Set(permitted)).toEqual(actions)
})
