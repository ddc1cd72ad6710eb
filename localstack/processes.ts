import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { writeWhole } from './whole-file.ts'

const POLL_MS = 50
/** How long a process may take to end after SIGKILL. */
const KILL_MS = 10_000

interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment: the process inherits nothing. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly log: string
  readonly pidFile: string
}

/** Starts a process in a new session, so that it outlives this one. Writes its pid and start time to the pid file. Returns the pid. */
export async function launch({ command, args, env, cwd, log, pidFile }: Launch): Promise<number> {
  for (const file of [log, pidFile]) mkdirSync(dirname(file), { recursive: true })
  const output = openSync(log, 'w')
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', output, output] })
  closeSync(output)
  await new Promise((started, failed) => child.once('spawn', started).once('error', failed))
  child.unref()
  const pid = child.pid as number
  writeWhole(pidFile, pidLine(pid))
  return pid
}

/** The content of a pid file. Throws if there is no such process. */
export const pidLine = (pid: number): string => `${pid} ${startTime(pid)}\n`

/** The pid in a pid file if that process is still running. Pids are reused, so the start time must be the same, too. */
export function runningPid(pidFile: string): number | undefined {
  try {
    const [pid = '', ...started] = readFileSync(pidFile, 'utf8').trim().split(' ')
    return startTime(Number(pid)) === started.join(' ') ? Number(pid) : undefined
  } catch {
    return undefined // no pid file, or no such process
  }
}

/** Whether the process of a pid file has ended by itself: `stop` deletes the file. */
export const hasEnded = (pidFile: string): boolean => existsSync(pidFile) && runningPid(pidFile) === undefined

export type StopResult = 'stopped' | 'killed' | 'not running'

/** Stops the process of a pid file: sends SIGTERM, waits up to `graceMs` milliseconds, then sends SIGKILL to its whole session. */
export async function stop(pidFile: string, graceMs: number): Promise<StopResult> {
  const pid = runningPid(pidFile)
  if (pid === undefined) {
    rmSync(pidFile, { force: true })
    return 'not running'
  }
  signal(pid, 'SIGTERM')
  const ended = await waitUntil(() => runningPid(pidFile) === undefined, graceMs)
  signal(-pid, 'SIGKILL') // ends the other processes of its session
  if (!ended) await waitUntil(() => runningPid(pidFile) === undefined, KILL_MS)
  rmSync(pidFile, { force: true })
  return ended ? 'stopped' : 'killed'
}

/** Kills the process of a pid file and waits until it has ended. Returns false if it was not running or did not end. */
export async function kill(pidFile: string): Promise<boolean> {
  const pid = runningPid(pidFile)
  if (pid === undefined) return false
  signal(-pid, 'SIGKILL')
  return waitUntil(() => runningPid(pidFile) === undefined, KILL_MS)
}

/** Kills a process whose parent was killed without it. */
export async function killLeftover(pidFile: string): Promise<void> {
  const pid = runningPid(pidFile)
  if (pid === undefined) return
  signal(pid, 'SIGKILL')
  await waitUntil(() => runningPid(pidFile) === undefined, KILL_MS)
}

/** Polls until the condition holds. Returns false if it does not hold within this time. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  while (Date.now() < deadline) {
    if (await condition()) return true
    await delay(POLL_MS)
  }
  return condition()
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The start time of a process, in the operating system's format. Throws if there is no such process, or if it is a zombie. */
function startTime(pid: number): string {
  if (process.platform !== 'linux') return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z') throw new Error(`process ${pid} has ended`)
  return fields[19] as string
}
