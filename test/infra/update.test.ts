import { type CreateOnly, type Template, updateProblems } from '../template/plan-update.ts'

const createOnly: CreateOnly = type =>
  ({ 'AWS::DynamoDB::Table': ['TableName', 'KeySchema'], 'AWS::Lambda::EventSourceMapping': ['EventSourceArn'] })[type] ?? []

const table = (Properties = {}) => ({ Type: 'AWS::DynamoDB::Table', Properties })
const mapping = (source: string) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: { EventSourceArn: { 'Fn::GetAtt': [source, 'StreamArn'] } },
})
const before: Template = { Resources: { State: table({ KeySchema: ['pk'] }), Reader: mapping('State') } }
const problemsOf = (Resources: Template['Resources']) => updateProblems(before, { Resources }, createOnly)

test('an update may change what CloudFormation changes in place, and add resources', () => {
  const State = table({ KeySchema: ['pk'], BillingMode: 'PAY_PER_REQUEST' })
  expect(problemsOf({ State, Reader: mapping('State'), Other: table(), Role: { Type: 'AWS::IAM::Role' } })).toEqual([])
})

test('a store under another logical id would be deleted', () => {
  expect(problemsOf({ State2: table({ KeySchema: ['pk'] }), Reader: mapping('State') })).toEqual([
    'AWS::DynamoDB::Table State is gone: the update deletes it, or replaces it under another logical id.',
  ])
})

test('a property that cannot change replaces its resource, and those that refer to it with such a property', () => {
  expect(problemsOf({ State: table({ KeySchema: ['pk', 'sk'] }), Reader: mapping('State') })).toEqual([
    'AWS::DynamoDB::Table State is replaced: KeySchema changed.',
    'AWS::Lambda::EventSourceMapping Reader is replaced: EventSourceArn refers to State, which is replaced.',
  ])
})

test('a resource without lasting contents may be replaced', () => {
  const Role = { Type: 'AWS::IAM::Role', Properties: { Path: '/' } }
  expect(updateProblems({ Resources: { Role } }, { Resources: {} }, () => ['Path'])).toEqual([])
})
