import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UserError } from '../shared/user-error.ts'
import { withLock } from './lock.ts'

/** Reports progress in a few words. */
export type Progress = (words: string) => void

/**
 * The folder of downloads, shared by all checkouts: $MILLRACE_CACHE, else `millrace` in the user's cache folder. An empty variable counts
 * as none, and a relative $XDG_CACHE_HOME too (XDG Base Directory Specification). The path is absolute: processes with other working
 * folders use it.
 */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const { MILLRACE_CACHE: own, XDG_CACHE_HOME: ofUser = '' } = environment
  return own ? resolve(own) : join(isAbsolute(ofUser) ? ofUser : join(homedir(), '.cache'), 'millrace')
}

/**
 * Creates `folder` unless it exists. `make` fills a scratch folder and returns the folder to rename to `folder`, so that a failed
 * installation leaves nothing behind. Of two processes the second waits, and uses the folder of the first.
 */
export async function installOnce(
  folder: string,
  progress: Progress,
  make: (scratch: string) => Promise<string>,
): Promise<string> {
  if (existsSync(folder)) return folder
  const waiting = (pid: number): void => progress(`waiting for process ${pid}, which is installing it`)
  await withLock(`${folder}.lock`, waiting, async () => {
    if (existsSync(folder)) return
    const scratch = mkdtempSync(join(dirname(folder), 'installing-'))
    try {
      renameSync(await make(scratch), folder)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  })
  return folder
}

/**
 * Downloads `url` to `file` unless it exists. Resumes an interrupted download. Deletes a file with another sha256. Throws a
 * UserError if the download fails.
 */
export async function download(url: string, file: string, sha256: string, progress: Progress): Promise<void> {
  if (existsSync(file)) return
  const part = `${file}.part`
  mkdirSync(dirname(file), { recursive: true })
  const offset = existsSync(part) ? statSync(part).size : 0
  const response = await request(url, offset)
  if (response.status !== RANGE_NOT_SATISFIABLE) await save(response, part, offset, url, progress)
  await requireHash(part, sha256, url)
  renameSync(part, file)
}

/** The status of a range request that starts at the end of the file: the download is already complete. */
const RANGE_NOT_SATISFIABLE = 416

async function request(url: string, offset: number): Promise<Response> {
  const response = await fetch(url, offset > 0 ? { headers: { range: `bytes=${offset}-` } } : {}).catch(error => {
    throw new UserError(
      `${new URL(url).host} cannot be reached (${reason(error)}). Check the network and the proxy, then run the command again.`,
    )
  })
  if (response.ok || response.status === RANGE_NOT_SATISFIABLE) return response
  throw new UserError(
    `${url} responded with ${response.status}. Set MAVEN_REPOSITORY_URL to a Maven repository that has the file.`,
  )
}

/** Appends the body to `part`, or replaces `part` if the server ignored the range. */
async function save(response: Response, part: string, offset: number, url: string, progress: Progress): Promise<void> {
  const start = response.status === 206 ? offset : 0
  const total = Number(response.headers.get('content-length') ?? 0) + start
  // fetch and node:stream have two types for the same class.
  const body = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream)
  const output = createWriteStream(part, { flags: start > 0 ? 'a' : 'w' })
  await pipeline(body, byteCounter(start, total, progress), output).catch(error => {
    throw new UserError(`The download of ${url} was interrupted (${reason(error)}). Run the command again; it resumes.`)
  })
}

function byteCounter(start: number, total: number, progress: Progress): Transform {
  let bytes = start
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      progress(total > 0 ? `${megabytes(bytes)} of ${megabytes(total)} MB` : `${megabytes(bytes)} MB`)
      done(null, chunk)
    },
  })
}

/** Deletes the file and throws a UserError unless it has this sha256. The error names `origin`, the source of the file. */
export async function requireHash(file: string, sha256: string, origin: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  const actual = hash.digest('hex')
  if (actual === sha256) return
  rmSync(file)
  throw new UserError(
    `${origin} has the sha256 ${actual} instead of ${sha256} and was deleted. Run the command again to download it again.`,
  )
}

/**
 * Runs a program and passes lines of its output to `line`. Resolves to its exit code, -1 if it cannot be started, its standard
 * output, and its whole output with the errors and warnings.
 */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; line?: (text: string) => void } = {},
): Promise<{ code: number; stdout: string; output: string }> {
  return new Promise(done => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, output] = ['', '']
    const read = (chunk: Buffer): void => {
      output += chunk
      const last = String(chunk)
        .trim()
        .split(/[\r\n]+/)
        .at(-1)
      if (last) options.line?.(last)
    }
    child.stdout.on('data', chunk => {
      stdout += chunk
      read(chunk)
    })
    child.stderr.on('data', read)
    child.once('error', error => done({ code: -1, stdout, output: String(error) }))
    child.once('close', code => done({ code: code ?? 1, stdout, output }))
  })
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

const reason = (error: Error & { cause?: unknown }): string =>
  error.cause instanceof Error ? error.cause.message : error.message
