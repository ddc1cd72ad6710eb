import { Aws, type Duration } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler'
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets'
import type { Construct } from 'constructs'
import { acknowledgeWildcard, type LambdaFunction } from './lambda-function.ts'

export interface Daily {
  readonly function: LambdaFunction
  /** Hour of the day, UTC. */
  readonly hour: number
  readonly input: Readonly<Record<string, unknown>>
}

export interface Regular extends Omit<Daily, 'hour'> {
  /** Every so many hours from midnight (UTC) on. */
  readonly hours: number
}

/** After the full hour, so that what happened before it has arrived everywhere. */
const MINUTE = '10'

/** Calls a function once a day, at least once: it must stand being called twice. */
export const daily = (scope: Construct, id: string, { function: fn, hour, input }: Daily): Schedule =>
  call(scope, id, fn, { schedule: ScheduleExpression.cron({ minute: MINUTE, hour: String(hour) }), input })

/** The same several times a day. */
export const everyHours = (scope: Construct, id: string, { function: fn, hours, input }: Regular): Schedule =>
  call(scope, id, fn, { schedule: ScheduleExpression.cron({ minute: MINUTE, hour: `0/${hours}` }), input })

/** Calls a function again and again, so long after it was called last, at least once each time. */
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
  const role = new Role(scope, `${id}Role`, { assumedBy: principal })
  acknowledgeWildcard(role, `${fn.functionArn}:*`, 'Stands for the versions of this one function.')
  return new Schedule(scope, id, {
    schedule,
    target: new LambdaInvoke(fn, { role, input: ScheduleTargetInput.fromObject(input) }),
  })
}
