import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { SNSClient } from '@aws-sdk/client-sns'
import type { Command } from 'commander'
import { UsageError } from '../shared/user-error.ts'
import { testAlarm } from './alarms/test-alarm.ts'
import { type CommonOptions, printJson } from './options.ts'
import { visible } from './visible.ts'

export function alarmsCommand(program: Command): void {
  const command = program.command('alarms').description('test that the alarms of a stage reach a person')
  command
    .command('test')
    .description('set one alarm of a stage to ALARM for a moment, so that its message arrives; nothing else happens')
    .option('--stage <name>', 'the stage in your AWS account')
    .option('--json', 'print one JSON value')
    .action(async ({ stage, json }: CommonOptions) => {
      if (stage === undefined)
        throw new UsageError('Name the stage with --stage. The local cloud has no alarms: `npx millrace status` shows its state.')
      const tested = await testAlarm({ cloudwatch: new CloudWatchClient({}), sns: new SNSClient({}) }, stage)
      if (json) return printJson(tested)
      console.log(visible(`CloudWatch sent a message for the alarm ${tested.alarm} to ${tested.subscribers.join(', ')}.`))
      console.log('Two messages arrive within minutes, ALARM and the end of the test. No mail? Look into the spam folder.')
    })
}
