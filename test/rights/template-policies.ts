import type { Template } from 'aws-cdk-lib/assertions'
import { withoutHash } from './names.ts'
import { type Policy, type Resolve, readStatement } from './policy.ts'

type Properties = Readonly<Record<string, unknown>>
type Raw = Readonly<Record<string, unknown>>
interface Document {
  readonly Statement: readonly Raw[]
}

/** The properties of resources that have rights in them. A template with another one is refused. */
const PROPERTIES = [
  'PolicyDocument',
  'AssumeRolePolicyDocument',
  'AccessPolicies',
  'ResourcePolicy',
  'ManagedPolicyArns',
  'Policies',
]

/** How a type of resource states rights. */
type Reader = (resource: { readonly id: string; readonly properties: Properties; readonly resolve: Resolve }) => Policy[]

/** A policy that is attached to roles. */
function attached({ id, properties, resolve }: Parameters<Reader>[0]): Policy[] {
  const document = properties['PolicyDocument'] as Document
  const roles = properties['Roles'] as { readonly Ref: string }[]
  return roles.map(({ Ref }) => ofRole(id, resolve({ 'Fn::GetAtt': [Ref, 'Arn'] }), document, resolve))
}

const readers: Readonly<Record<string, Reader>> = {
  'AWS::IAM::Role': ({ id, properties, resolve }) => {
    if (properties['ManagedPolicyArns'])
      throw new Error(`The role ${id} has managed policies. Evaluation does not know their content.`)
    const own = ((properties['Policies'] ?? []) as { PolicyDocument: Document }[]).map(({ PolicyDocument }) => PolicyDocument)
    const arn = resolve({ 'Fn::GetAtt': [id, 'Arn'] })
    const trust = properties['AssumeRolePolicyDocument'] as Document
    return [...own.map(document => ofRole(id, arn, document, resolve)), ofResource(id, [arn], trust, resolve)]
  },
  'AWS::IAM::Policy': attached,
  // The CDK moves what is too large for a policy of a role into managed ones.
  'AWS::IAM::ManagedPolicy': attached,
  'AWS::S3::BucketPolicy': ({ id, properties, resolve }) => {
    const arn = resolve({ 'Fn::GetAtt': [(properties['Bucket'] as { Ref: string }).Ref, 'Arn'] })
    return [ofResource(id, [arn, `${arn}/*`], properties['PolicyDocument'] as Document, resolve)]
  },
  'AWS::SNS::TopicPolicy': ({ id, properties, resolve }) => [
    ofResource(id, (properties['Topics'] as unknown[]).map(resolve), properties['PolicyDocument'] as Document, resolve),
  ],
  'AWS::OpenSearchService::Domain': ({ id, properties, resolve }) =>
    properties['AccessPolicies']
      ? [ofResource(id, [`${resolve({ 'Fn::GetAtt': [id, 'Arn'] })}/*`], properties['AccessPolicies'] as Document, resolve)]
      : [],
  'AWS::Logs::ResourcePolicy': ({ id, properties, resolve }) => [
    ofResource(id, ['arn:aws:logs:*'], JSON.parse(resolve(properties['PolicyDocument'])) as Document, String),
  ],
  'AWS::Lambda::Permission': ({ id, properties, resolve }) => {
    const { Action, Principal, FunctionName, SourceArn, SourceAccount, ...others } = properties
    if (Object.keys(others).length > 0)
      throw new Error(`Evaluation does not know ${Object.keys(others)} of the permission ${id}.`)
    const conditions = {
      ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': SourceArn } }),
      ...(SourceAccount !== undefined && { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
    }
    const arn = resolve(FunctionName)
    const statement = { Effect: 'Allow', Action, Principal: { Service: Principal }, Resource: arn, Condition: conditions }
    return [ofResource(id, [arn], { Statement: [statement] }, resolve)]
  },
}

const ofRole = (id: string, role: string, { Statement }: Document, resolve: Resolve): Policy => ({
  id: withoutHash(id),
  role,
  resources: [],
  statements: Statement.map(statement => readStatement(statement, resolve)),
})

const ofResource = (id: string, resources: readonly string[], { Statement }: Document, resolve: Resolve): Policy => ({
  id: withoutHash(id),
  role: undefined,
  resources,
  statements: Statement.map(statement => readStatement(statement, resolve)),
})

/** All policies of a template. Throws on rights that it does not know how to read. */
export function policiesOf(template: Template, resolve: Resolve): Policy[] {
  const found = (template.toJSON() as { Resources: Record<string, { Type: string; Properties?: Properties }> }).Resources
  return Object.entries(found).flatMap(([id, { Type, Properties: properties = {} }]) => {
    const read = readers[Type]
    if (read) return read({ id, properties, resolve })
    const stated = PROPERTIES.filter(name => name in properties)
    if (stated.length > 0) throw new Error(`Evaluation of policies does not know ${stated.join()} of a ${Type}: ${id}.`)
    return []
  })
}
