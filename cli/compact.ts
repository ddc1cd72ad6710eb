import type { Command } from 'commander'
import { compactionOf, sentenceOf } from './compact/result.ts'
import { startJob, waitForJob } from './jobs/run.ts'
import { type CommonOptions, printJson, withCommonOptions } from './options.ts'
import { findTarget } from './target.ts'

interface Options extends CommonOptions {
  readonly wait: boolean
}

export function compactCommand(program: Command): void {
  withCommonOptions(program.command('compact'))
    .description(
      'replace the raw objects of the closed days of the archive by few large ones, as the stage does every day; with --json: how many days were compacted, and their objects before and after',
    )
    .option('--no-wait', 'return when the job is started')
    .action(async ({ stage, json, wait }: Options) => {
      const target = await findTarget(stage)
      const started = await startJob(target, target.outputs.CompactFunction)
      if (!wait)
        return json
          ? printJson(started)
          : console.log(`The job ${started.id} is started. \`millrace jobs show ${started.id}\` shows its progress.`)
      const result = compactionOf((await waitForJob(target, started)).counts)
      if (json) printJson(result)
      else console.log(sentenceOf(result))
    })
}
