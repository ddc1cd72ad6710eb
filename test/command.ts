import { execFile } from 'node:child_process'
import path from 'node:path'

/** The file that `npx millrace` runs. */
export const ENTRY = path.resolve(import.meta.dirname, '../cli/millrace.js')

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line as a person does, and returns how it ended. */
export const millrace = (args: readonly string[], cwd = process.cwd()): Promise<Ended> =>
  new Promise(resolve => {
    execFile(process.execPath, [ENTRY, ...args], { cwd, maxBuffer: 2 ** 30 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    )
  })

/** What a command prints with `--json`; throws what it says on stderr when it fails. */
export async function millraceJson<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await millrace([...args, '--json'])
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}
