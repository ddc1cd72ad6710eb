import type { Template } from 'aws-cdk-lib/assertions'
import type { Resolve } from './policy.ts'

/** The account and the region of the stages that are evaluated. */
export const ACCOUNT = '111122223333'
export const REGION = 'eu-west-1'

interface Resource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
}

/** The ARN of a resource with this name, by type. */
const arns: Readonly<Record<string, (name: string) => string>> = {
  'AWS::ApiGatewayV2::Api': name => regional('apigateway', `/apis/${name}`),
  'AWS::DynamoDB::Table': name => regional('dynamodb', `table/${name}`),
  'AWS::IAM::Role': name => `arn:aws:iam::${ACCOUNT}:role/${name}`,
  'AWS::Kinesis::Stream': name => regional('kinesis', `stream/${name}`),
  'AWS::Lambda::Function': name => regional('lambda', `function:${name}`),
  'AWS::Logs::LogGroup': name => `${regional('logs', `log-group:${name}`)}:*`,
  'AWS::OpenSearchService::Domain': name => regional('es', `domain/${name}`),
  'AWS::S3::Bucket': name => `arn:aws:s3:::${name}`,
  'AWS::SNS::Topic': name => regional('sns', name),
}

// biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types
const glueNames: Readonly<Record<string, (properties: any) => string>> = {
  'AWS::Glue::Database': ({ DatabaseInput }) => `database/${DatabaseInput.Name}`,
  'AWS::Glue::Table': ({ DatabaseName, TableInput }) => `table/${DatabaseName}/${TableInput.Name}`,
}

const regional = (service: string, resource: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`

/** A topic is referred to by its ARN, every other resource by its name. */
const REFERRED_BY_ARN = ['AWS::SNS::Topic']

const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::URLSuffix': 'amazonaws.com',
}

/** The id of a resource without the hash that the CDK adds. */
export const withoutHash = (id: string): string => id.replace(/[0-9A-F]{8}$/, '')

/** What CloudFormation would make of the values of a template, with a name for each resource that contains the stage. Throws on what it does not know. */
export function namesOf(template: Template, stage: string): Resolve {
  const found = (template.toJSON() as { Resources: Record<string, Resource> }).Resources
  const resourceOf = (id: string): Resource => {
    const resource = found[id]
    if (!resource) throw new Error(`The template has no resource ${id}.`)
    return resource
  }
  const nameOf = (id: string): string => `${stage}-${withoutHash(id)}`
  const arnOf = (id: string): string => {
    const { Type, Properties = {} } = resourceOf(id)
    const glue = glueNames[Type]
    if (glue) return regional('glue', glue(Properties))
    const arn = arns[Type]
    if (!arn) throw new Error(`test/rights/names.ts has no ARN for a ${Type}.`)
    return arn(nameOf(id))
  }
  const attribute = (id: string, name: string): string => {
    if (name === 'Arn') return arnOf(id)
    if (name === 'StreamArn') return `${arnOf(id)}/stream/2026-01-01T00:00:00.000`
    throw new Error(`test/rights/names.ts does not know the attribute ${name} of a ${resourceOf(id).Type}.`)
  }
  const resolve: Resolve = value => {
    if (typeof value !== 'object' || value === null) return String(value)
    const [[intrinsic, inner] = ['', undefined]] = Object.entries(value)
    if (intrinsic === 'Fn::Join') return (inner as [string, unknown[]])[1].map(resolve).join((inner as [string])[0])
    if (intrinsic === 'Fn::GetAtt') return attribute(...(inner as [string, string]))
    if (intrinsic !== 'Ref') throw new Error(`test/rights/names.ts does not know ${intrinsic}.`)
    const id = inner as string
    return pseudoParameters[id] ?? (REFERRED_BY_ARN.includes(resourceOf(id).Type) ? arnOf(id) : nameOf(id))
  }
  return resolve
}
