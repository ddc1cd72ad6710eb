import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../shared/user-error.ts'
import { cacheFolder, installOnce, type Progress, run } from './cache.ts'
import { errorOf, type Problem } from './problem.ts'

const INSTALL =
  'Debian and Ubuntu: apt-get install python3 python3-pip; Fedora: dnf install python3 python3-pip; macOS: brew install python'

/** A missing Python (`version` is empty), or one that is too old; undefined for a supported `version` ("3.12"). */
export function pythonProblem(version: string): Problem | undefined {
  const needed = 'The local cloud needs Python 3.10 or newer, but'
  if (!version) return { message: `${needed} there is no python3.`, remedy: `Install it (${INSTALL}).` }
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 3 || (major === 3 && minor >= 10)) return undefined
  return { message: `${needed} python3 is ${version}.`, remedy: `Install a newer one (${INSTALL}).` }
}

/** The error message for a failure of pip, from its output. */
export function pipProblem(output: string): string {
  if (/No module named pip/.test(output)) return `python3 has no pip. Install it (${INSTALL}).`
  if (/DO NOT MATCH THE HASHES/i.test(output)) {
    return 'A Python package does not have its pinned hash. Empty the cache with `python3 -m pip cache purge`, then run the command again.'
  }
  if (/NewConnectionError|NameResolutionError|ConnectTimeout|Network is unreachable|Temporary failure/.test(output)) {
    return 'The Python package index cannot be reached. Check the network and the proxy, then run the command again.'
  }
  if (/No matching distribution|not a supported wheel/.test(output)) {
    return `A Python package does not exist for this platform (${process.platform} ${process.arch}): ${lastError(output)}`
  }
  return `python3 -m pip failed: ${lastError(output)}`
}

const lastError = (output: string): string =>
  output
    .split('\n')
    .filter(line => line.startsWith('ERROR'))
    .at(-1)
    ?.slice(7) ??
  output.trim().split('\n').at(-1) ??
  'it printed nothing'

interface Python {
  /** The path of the interpreter. It is not `python3`, which may be a wrapper that changes the environment. */
  readonly command: string
  /** As in "3.12". */
  readonly version: string
}

/** The Python of this machine. Without one, both texts are empty. */
export async function readPython(): Promise<Python> {
  const { code, stdout } = await run('python3', [
    ...['-X', 'utf8', '-c'],
    'import sys; print(sys.executable); print("%d.%d" % sys.version_info[:2])',
  ])
  const [command = '', version = ''] = code === 0 ? stdout.trim().split('\n') : []
  return { command, version }
}

/** The Python of this machine. Throws a UserError if it is missing or too old. */
export async function findPython(): Promise<Python> {
  const python = await readPython()
  const problem = pythonProblem(python.version)
  if (problem) throw errorOf(problem)
  return python
}

/** Installs the packages of a requirements file with pinned hashes into a folder of the cache, once. Returns the folder. Throws a UserError. */
export async function installPackages(requirements: string, name: string, progress: Progress): Promise<string> {
  const { command, version } = await findPython()
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  return installOnce(join(cacheFolder(), `${name}-${digest}-python${version}-${process.arch}`), progress, async scratch => {
    const args = [
      '-m',
      'pip',
      'install',
      '--no-input',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--require-hashes',
    ]
    const { code, output } = await run(command, [...args, '--target', scratch, '-r', requirements], { line: progress })
    if (code !== 0) throw new UserError(pipProblem(output))
    return scratch
  })
}
