/** What the stack and the CDK's bootstrap need of a service of AWS. */
interface Need {
  /** The types of resources that CloudFormation must know. */
  readonly types: readonly string[]
  /** What does not work without the service: its resources are left out then. Absent: nothing works without it. */
  readonly without?: string
}

const table = {
  STS: { types: [] },
  CloudFormation: { types: [] },
  IAM: { types: ['AWS::IAM::Role', 'AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'] },
  SSM: { types: ['AWS::SSM::Parameter'] },
  ECR: { types: ['AWS::ECR::Repository'] },
  S3: { types: ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy'] },
  Lambda: { types: ['AWS::Lambda::Function', 'AWS::Lambda::Permission', 'AWS::Lambda::EventSourceMapping'] },
  Kinesis: { types: ['AWS::Kinesis::Stream'] },
  DynamoDB: { types: ['AWS::DynamoDB::Table'] },
  Firehose: { types: ['AWS::KinesisFirehose::DeliveryStream'] },
  Glue: { types: ['AWS::Glue::Database', 'AWS::Glue::Table'] },
  'API Gateway v2': {
    types: ['AWS::ApiGatewayV2::Api', 'AWS::ApiGatewayV2::Integration', 'AWS::ApiGatewayV2::Route', 'AWS::ApiGatewayV2::Stage'],
  },
  'CloudWatch Logs': { types: ['AWS::Logs::LogGroup', 'AWS::Logs::LogStream'] },
  SNS: { types: ['AWS::SNS::Topic', 'AWS::SNS::TopicPolicy'] },
  CloudWatch: {
    types: ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard', 'AWS::Logs::MetricFilter'],
    without: 'there are no alarms, no dashboard and no graphs in the console',
  },
  'EventBridge Scheduler': {
    types: ['AWS::Scheduler::Schedule'],
    without:
      'reports run only with `npx millrace report NAME`, what Lambda and Firehose gave up stays out of the quarantine, and only `up` prepares OpenSearch',
  },
} as const satisfies Readonly<Record<string, Need>>

export type Service = keyof typeof table

const needs: Readonly<Record<Service, Need>> = table

const services = Object.keys(needs) as Service[]

/** The types of all resources. */
export const neededTypes: readonly string[] = services.flatMap(service => needs[service].types)

/** What an emulator answered. */
export interface Answers {
  /** Why a read-only call of a service failed. */
  readonly failures: ReadonlyMap<Service, string>
  /** The types that its CloudFormation says it does not know. */
  readonly unknownTypes: readonly string[]
}

/** What an emulator lacks. */
export interface Lacks {
  /** Services without which nothing works, each with the reason. */
  readonly missing: readonly string[]
  /** The types of resources to leave out of the stack. */
  readonly leftOut: readonly string[]
  /** What does not work then, a sentence for each service. */
  readonly notes: readonly string[]
}

export function lacksOf(answers: Answers): Lacks {
  const lacking = services.flatMap(service => {
    const reason = reasonOf(service, answers)
    return reason === undefined ? [] : [{ service, reason, ...needs[service] }]
  })
  const optional = lacking.filter(({ without }) => without !== undefined)
  return {
    missing: lacking.filter(({ without }) => without === undefined).map(({ service, reason }) => `${service} (${reason})`),
    leftOut: optional.flatMap(({ types }) => types),
    notes: optional.map(({ service, reason, without }) => `Without ${service} (${reason}), ${without}.`),
  }
}

function reasonOf(service: Service, { failures, unknownTypes }: Answers): string | undefined {
  const types = needs[service].types.filter(type => unknownTypes.includes(type))
  return failures.get(service) ?? (types.length > 0 ? `its CloudFormation does not know ${types.join(', ')}` : undefined)
}
