import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { isRunId, runId } from '../../shared/report.ts'
import { LOCK_MS } from './dynamodb.ts'

/**
 * A folder for a run's files. First it removes those of runs that died: after a time-out Lambda goes on with the same disk.
 * Others may be running beside this one where functions share a disk, as they do locally.
 */
export async function scratchFolder(parent: string, run: string, now: number): Promise<string> {
  const dead = (name: string): boolean => isRunId(name) && name < runId(now - LOCK_MS, '')
  const left = (await readdir(parent)).filter(dead)
  await Promise.all(left.map(name => rm(path.join(parent, name), { recursive: true, force: true })))
  const folder = path.join(parent, run)
  await mkdir(folder)
  return folder
}
