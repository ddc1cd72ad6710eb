import { existsSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { type LocalCloud, localCloud, lockFile, parts } from '../localstack/parts.ts'
import { runningPid } from '../localstack/processes.ts'
import { UserError } from '../shared/user-error.ts'
import { ONCE_FOLDER } from './demo.ts'

export function resetCommand(program: Command): void {
  program
    .command('reset')
    .description('delete the data of the local cloud in .millrace/: events, states, documents, keys; asks first')
    .option('--yes', 'do not ask')
    .action(async ({ yes }: { yes?: true }) => {
      const local = localCloud()
      if (!existsSync(local.folder)) return console.log('There is no data of a local cloud here.')
      for (const each of [local, localCloud(ONCE_FOLDER)]) requireStopped(each)
      if (!yes && !(await confirmed(local.folder))) throw new UserError('Nothing was deleted.')
      rmSync(local.folder, { recursive: true })
      console.log('Deleted. The next `npx millrace up` starts empty, with new keys.')
    })
}

function requireStopped(local: LocalCloud): void {
  if (parts.every(({ pid }) => pid(local) === undefined) && runningPid(lockFile(local)) === undefined) return
  throw new UserError('The local cloud is running. Stop it with `npx millrace down`, then run `npx millrace reset` again.')
}

/** Asks on standard error, so that the answer can also come from a pipe. The end of the input means no. */
async function confirmed(folder: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<string>(done => terminal.once('close', () => done('')))
  const question = `Delete ${folder} with all events, states, documents and keys of the local cloud? [y/N] `
  const answer = await Promise.race([terminal.question(question), ended])
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
