import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '../shared/user-error.ts'
import { errorOf, type Problem } from './problem.ts'

/** The variable of each port of the local cloud. */
export const PORT_VARIABLES = {
  api: 'MILLRACE_API_PORT',
  cloud: 'MILLRACE_CLOUD_PORT',
  openSearch: 'MILLRACE_OPENSEARCH_PORT',
  openSearchTransport: 'MILLRACE_OPENSEARCH_TRANSPORT_PORT',
  faults: 'MILLRACE_FAULTS_PORT',
} as const

/** The ports of the local cloud, all on 127.0.0.1. */
export type Ports = Readonly<Record<keyof typeof PORT_VARIABLES, number>>

/** Reads the ports from the text of ports.env. A variable of the same name in the environment wins. Throws a UserError. */
export function parsePorts(text: string, environment: Readonly<Record<string, string | undefined>>): Ports {
  const file = Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(\S+)$/gm)].map(([, name, value]) => [name, value]))
  const port = (name: string): number => {
    const value = environment[name] ?? file[name]
    const number = Number(value)
    if (!Number.isInteger(number) || number < 1 || number > 65_535) {
      throw new UserError(`${name} must be a port from 1 to 65535, not ${value ?? 'empty'}; see localstack/ports.env.`)
    }
    return number
  }
  const ports = {
    api: port(PORT_VARIABLES.api),
    cloud: port(PORT_VARIABLES.cloud),
    openSearch: port(PORT_VARIABLES.openSearch),
    openSearchTransport: port(PORT_VARIABLES.openSearchTransport),
    faults: port(PORT_VARIABLES.faults),
  }
  requireDistinct(ports)
  return ports
}

function requireDistinct(ports: Ports): void {
  for (const [port, [first, second]] of Map.groupBy(Object.keys(ports) as (keyof Ports)[], key => ports[key])) {
    if (first && second)
      throw new UserError(
        `${PORT_VARIABLES[first]} and ${PORT_VARIABLES[second]} are both ${port}. Give each a port of its own; see localstack/ports.env.`,
      )
  }
}

/** The ports from the environment and localstack/ports.env. */
export const readPorts = (environment = process.env): Ports =>
  parsePorts(readFileSync(join(import.meta.dirname, 'ports.env'), 'utf8'), environment)

/** The ports of these keys that are in use: each with the process that uses it and what to do. */
export async function portProblems(ports: Ports, keys: readonly (keyof Ports)[]): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const key of keys)
    if (!(await isFree(ports[key]))) problems.push(portInUse(ports[key], PORT_VARIABLES[key], await holderOf(ports[key])))
  return problems
}

/** Throws a UserError unless all ports of these keys are free. */
export async function requireFree(ports: Ports, keys: readonly (keyof Ports)[]): Promise<void> {
  const [problem] = await portProblems(ports, keys)
  if (problem) throw errorOf(problem)
}

/** `holder` is a command with its pid, or undefined if unknown. */
export const portInUse = (port: number, name: string, holder: string | undefined): Problem => ({
  message: `Port ${port} is in use by ${holder ?? 'another program'}.`,
  remedy: `Stop it, or choose another port with ${name}=… (see localstack/ports.env).`,
})

const isFree = (port: number): Promise<boolean> =>
  new Promise(done => {
    const server = createServer()
      .once('error', () => done(false))
      .listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })

async function holderOf(port: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return linuxHolder(port)
    const { stdout } = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'])
    const [, pid, command] = /^p(\d+)\nc(.+)$/m.exec(stdout) ?? []
    return pid && `${command} (pid ${pid})`
  } catch {
    return undefined
  }
}

/** On Linux, /proc/net lists the socket's inode by port, and /proc/<pid>/fd lists the sockets of a process. */
function linuxHolder(port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const listening = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap(file => readFileSync(file, 'utf8').split('\n'))
    .map(line => line.trim().split(/\s+/))
    .find(([, local, , state]) => local?.endsWith(`:${hex}`) && state === '0A')
  const socket = listening && `socket:[${listening[9]}]`
  if (!socket) return undefined
  const pid = readdirSync('/proc').find(name => /^\d+$/.test(name) && holds(name, socket))
  return pid && `${programOf(pid)} (pid ${pid})`
}

/** The name of a process is that of its main thread, which node calls MainThread. */
function programOf(pid: string): string {
  const [program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  return basename(program) || readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
}

function holds(pid: string, socket: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(fd => readlinkSync(`/proc/${pid}/fd/${fd}`) === socket)
  } catch {
    return false // the process of another user, or a process that has just ended
  }
}
