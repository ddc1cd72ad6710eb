import { type Twin, twinProblems } from '../twin/plan-twin.ts'

const TABLE = 'AWS::DynamoDB::Table'
const template = {
  Resources: { Kept: { Type: TABLE, DeletionPolicy: 'Retain' }, Gone: { Type: TABLE }, Role: { Type: 'AWS::IAM::Role' } },
}
const twin: Twin = {
  stacked: 2,
  made: 1,
  deployed: { [TABLE]: ['kept', 'gone'], 'AWS::IAM::Role': ['role'] },
  left: { [TABLE]: ['kept'], 'AWS::IAM::Role': [] },
  findings: [],
}

test('a deployment that creates every resource and leaves what the template keeps has no problem', () => {
  expect(twinProblems(template, twin)).toEqual([])
})

test.each<[Partial<Twin>, string]>([
  [{ made: 0 }, '2 of 3 resources were created.'],
  [{ deployed: { ...twin.deployed, [TABLE]: ['kept'] } }, `1 of 2 resources ${TABLE} were created.`],
  [{ left: { ...twin.left, [TABLE]: ['kept', 'gone'] } }, `2 resources ${TABLE} are left, not 1: kept, gone`],
  [{ left: { ...twin.left, [TABLE]: [] } }, `0 resources ${TABLE} are left, not 1: `],
  [{ findings: ['Role: UNKNOWN_ACTION'] }, 'Role: UNKNOWN_ACTION'],
])('a difference is a problem: %j', (change, problem) => {
  expect(twinProblems(template, { ...twin, ...change })).toEqual([problem])
})
