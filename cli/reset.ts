import { existsSync, rmSync } from 'node:fs'
import type { Command } from 'commander'
import { type LocalCloud, localCloud, lockFile, parts } from '../localstack/parts.ts'
import { runningPid } from '../localstack/processes.ts'
import { UserError } from '../shared/user-error.ts'
import { confirmed } from './confirm.ts'
import { ONCE_FOLDER } from './demo.ts'
import { printJson } from './options.ts'

export function resetCommand(program: Command): void {
  program
    .command('reset')
    .description('delete the data of the local cloud in .millrace/: events, states, documents, keys; asks first')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON value with the folder that was deleted; the question goes to standard error')
    .action(async ({ yes, json }: { yes?: true; json?: true }) => {
      const local = localCloud()
      if (!existsSync(local.folder))
        return json ? printJson({ deleted: [] }) : console.log('There is no data of a local cloud here.')
      for (const each of [local, localCloud(ONCE_FOLDER)]) requireStopped(each)
      const question = `Delete ${local.folder} with all events, states, documents and keys of the local cloud?`
      if (!yes && !(await confirmed(question))) throw new UserError('Nothing was deleted.')
      rmSync(local.folder, { recursive: true })
      if (json) printJson({ deleted: [local.folder] })
      else console.log('Deleted. The next `npx millrace up` starts empty, with new keys.')
    })
}

function requireStopped(local: LocalCloud): void {
  if (parts.every(({ pid }) => pid(local) === undefined) && runningPid(lockFile(local)) === undefined) return
  throw new UserError('The local cloud is running. Stop it with `npx millrace down`, then run `npx millrace reset` again.')
}
