import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly log: string
  readonly pidFile: string
}

/** Starts a process of its own session that outlives this one; its pid and start time go into the pid file. Returns the pid. */
export async function launch({ command, args, env, cwd, log, pidFile }: Launch): Promise<number> {
  for (const file of [log, pidFile]) mkdirSync(dirname(file), { recursive: true })
  const output = openSync(log, 'w')
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', output, output] })
  closeSync(output)
  await new Promise((started, failed) => child.once('spawn', started).once('error', failed))
  child.unref()
  const pid = child.pid as number
  writeFileSync(pidFile, `${pid} ${startTime(pid)}\n`)
  return pid
}

/** The pid of the process that a pid file names, if it still runs; pids are reused, so its start time must agree too. */
export function runningPid(pidFile: string): number | undefined {
  try {
    const [pid = '', ...started] = readFileSync(pidFile, 'utf8').trim().split(' ')
    return startTime(Number(pid)) === started.join(' ') ? Number(pid) : undefined
  } catch {
    return undefined // no pid file, or no such process
  }
}

/** Stops the process of a pid file: SIGTERM, a wait of at most `graceMs`, then SIGKILL to its whole session. */
export async function stop(pidFile: string, graceMs: number): Promise<'stopped' | 'killed' | 'not running'> {
  const pid = runningPid(pidFile)
  if (pid === undefined) {
    rmSync(pidFile, { force: true })
    return 'not running'
  }
  signal(pid, 'SIGTERM')
  const gone = await waitUntil(() => runningPid(pidFile) === undefined, graceMs)
  signal(-pid, 'SIGKILL') // whatever is left of its session
  if (!gone) await waitUntil(() => runningPid(pidFile) === undefined, 10_000)
  rmSync(pidFile, { force: true })
  return gone ? 'stopped' : 'killed'
}

/** Kills the process of a pid file and waits until it is gone; says whether there was one. */
export async function kill(pidFile: string): Promise<boolean> {
  const pid = runningPid(pidFile)
  if (pid === undefined) return false
  signal(-pid, 'SIGKILL')
  return waitUntil(() => runningPid(pidFile) === undefined, 10_000)
}

/** Polls until the condition holds (true) or the time is over (false). */
export async function waitUntil(condition: () => boolean | Promise<boolean>, milliseconds: number): Promise<boolean> {
  for (const end = Date.now() + milliseconds; Date.now() < end; await delay(50)) if (await condition()) return true
  return condition()
}

/** The last lines of a log that speak of trouble, for an error message. */
export function failureIn(log: string): string {
  const lines = readFileSync(log, 'utf8').split('\n')
  return (
    lines.filter(line => /error|exception|caused by|fatal/i.test(line)).at(-1) ??
    lines.filter(Boolean).at(-1) ??
    'it left no word'
  )
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** When a process started, as its system tells it; throws when there is none. A zombie does not count. */
function startTime(pid: number): string {
  if (process.platform !== 'linux') return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z') throw new Error(`process ${pid} has ended`)
  return fields[19] as string
}
