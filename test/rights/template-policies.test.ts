import { Template } from 'aws-cdk-lib/assertions'
import { namesOf } from './names.ts'
import { policiesOf } from './template-policies.ts'

const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] }

const read = (Resources: object) => {
  const template = Template.fromJSON({ Resources })
  return policiesOf(template, namesOf(template, 'dev'))
}

test('the policies of a role are its own, the attached ones and its trust', () => {
  const Role = {
    Type: 'AWS::IAM::Role',
    Properties: { AssumeRolePolicyDocument: document, Policies: [{ PolicyDocument: document }] },
  }
  const Policy = { Type: 'AWS::IAM::Policy', Properties: { Roles: [{ Ref: 'Role' }], PolicyDocument: document } }
  const arn = 'arn:aws:iam::111122223333:role/dev-Role'
  const ManagedPolicy = { ...Policy, Type: 'AWS::IAM::ManagedPolicy' }
  expect(read({ Role, Policy, ManagedPolicy }).map(({ id, role, resources }) => ({ id, role, resources }))).toEqual([
    { id: 'Role', role: arn, resources: [] },
    { id: 'Role', role: undefined, resources: [arn] },
    { id: 'Policy', role: arn, resources: [] },
    { id: 'ManagedPolicy', role: arn, resources: [] },
  ])
})

test.each([
  ['a policy of another kind of resource', { Type: 'AWS::SQS::QueuePolicy', Properties: { PolicyDocument: document } }],
  ['a managed policy of nobody', { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: document } }],
  [
    'a role with a managed policy',
    { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: document, ManagedPolicyArns: ['arn'] } },
  ],
  [
    'a permission with a condition that is not known',
    { Type: 'AWS::Lambda::Permission', Properties: { Action: 'lambda:InvokeFunction', PrincipalOrgID: 'o-1' } },
  ],
  ['a reference that is not known', { Type: 'AWS::SNS::TopicPolicy', Properties: { Topics: [{ 'Fn::ImportValue': 'x' }] } }],
])('%s stops the evaluation', (_, resource) => {
  expect(() => read({ Resource: resource })).toThrow()
})
