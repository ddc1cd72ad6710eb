import { Aws } from 'aws-cdk-lib'
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

/** Calls a function once a day, at least once: it must stand being called twice. */
export function daily(scope: Construct, id: string, { function: fn, hour, input }: Daily): Schedule {
  const principal = new ServicePrincipal('scheduler.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
  })
  const role = new Role(scope, `${id}Role`, { assumedBy: principal })
  acknowledgeWildcard(role, `${fn.functionArn}:*`, 'Stands for the versions of this one function.')
  return new Schedule(scope, id, {
    schedule: ScheduleExpression.cron({ minute: '10', hour: String(hour) }),
    target: new LambdaInvoke(fn, { role, input: ScheduleTargetInput.fromObject(input) }),
  })
}
