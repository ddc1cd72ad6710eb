import { Aws, type Duration } from 'aws-cdk-lib'
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler'
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets'
import type { Construct } from 'constructs'
import type { LambdaFunction } from './lambda-function.ts'

interface Daily {
  readonly function: LambdaFunction
  /** Hour of the day, UTC. */
  readonly hour: number
  readonly input: Readonly<Record<string, unknown>>
}

interface EveryHours extends Omit<Daily, 'hour'> {
  /** Interval in hours, counted from midnight UTC. */
  readonly hours: number
}

/** Ten minutes after the full hour, so that the events of the hour have reached every store. */
const MINUTE = '10'

/** Calls a function once a day. The scheduler delivers at least once, so the function must be idempotent. */
export const daily = (scope: Construct, id: string, { function: fn, hour, input }: Daily): Schedule =>
  call(scope, id, fn, { schedule: ScheduleExpression.cron({ minute: MINUTE, hour: String(hour) }), input })

/** Like `daily`, several times a day. */
export const everyHours = (scope: Construct, id: string, { function: fn, hours, input }: EveryHours): Schedule =>
  call(scope, id, fn, { schedule: ScheduleExpression.cron({ minute: MINUTE, hour: `0/${hours}` }), input })

/** Calls a function at a fixed interval, at least once each time. */
export const every = (scope: Construct, id: string, fn: LambdaFunction, interval: Duration): Schedule =>
  call(scope, id, fn, { schedule: ScheduleExpression.rate(interval), input: {} })

function call(
  scope: Construct,
  id: string,
  fn: LambdaFunction,
  { schedule, input }: { readonly schedule: ScheduleExpression; readonly input: Daily['input'] },
): Schedule {
  const principal = new ServicePrincipal('scheduler.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
  })
  // The grant of the construct would also allow the versions of the function.
  const invoke = new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [fn.functionArn] })
  const inlinePolicies = { invoke: new PolicyDocument({ statements: [invoke] }) }
  const role = new Role(scope, `${id}Role`, { assumedBy: principal, inlinePolicies }).withoutPolicyUpdates()
  return new Schedule(scope, id, {
    schedule,
    target: new LambdaInvoke(fn, { role, input: ScheduleTargetInput.fromObject(input) }),
  })
}
