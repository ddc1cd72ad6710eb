import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { isRunId, runId } from '../../shared/report.ts'

/** Longer than a Lambda function can run. */
export const LONGEST_RUN_MS = 16 * 60_000

/**
 * Creates the folder for a run's files. First deletes the folders of dead runs: after a timeout, Lambda reuses the execution
 * environment with the same disk. Locally all functions share one disk, so the folders of live runs stay.
 */
export async function scratchFolder(parent: string, run: string, now: number): Promise<string> {
  const isDead = (name: string): boolean => isRunId(name) && name < runId(now - LONGEST_RUN_MS, '')
  const deadFolders = (await readdir(parent)).filter(isDead)
  await Promise.all(deadFolders.map(name => rm(path.join(parent, name), { recursive: true, force: true })))
  const folder = path.join(parent, run)
  await mkdir(folder)
  return folder
}
