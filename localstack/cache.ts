import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UserError } from '../shared/user-error.ts'

/** Shows how far something is, in a few words. */
export type Progress = (words: string) => void

/** Where downloads stay between checkouts: $MILLRACE_CACHE, else the user's cache folder. */
export const cacheFolder = (environment: Readonly<Record<string, string | undefined>> = process.env): string =>
  environment['MILLRACE_CACHE'] ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace')

/** Builds `folder` unless it exists: `make` fills a scratch folder and returns what to rename into place, so that no half is left behind. */
export async function installOnce(folder: string, make: (scratch: string) => Promise<string>): Promise<string> {
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const scratch = mkdtempSync(join(dirname(folder), 'installing-'))
  try {
    const made = await make(scratch)
    // Two runs at once: the second finds the folder of the first.
    if (!existsSync(folder)) renameSync(made, folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return folder
}

/**
 * Downloads `url` to `file`. A download that broke off goes on where it stopped; a file whose sha256 differs is
 * deleted and refused. Throws a Failure.
 */
export async function download(url: string, file: string, sha256: string, progress: Progress): Promise<void> {
  if (existsSync(file)) return
  const part = `${file}.part`
  mkdirSync(dirname(file), { recursive: true })
  const have = existsSync(part) ? statSync(part).size : 0
  const response = await request(url, have)
  // 416: everything was there already.
  if (response.status !== 416) {
    const resumed = response.status === 206
    const total = Number(response.headers.get('content-length') ?? 0) + (resumed ? have : 0)
    const counted = counting(resumed ? have : 0, total, progress)
    const body = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream)
    await pipeline(body, counted, createWriteStream(part, { flags: resumed ? 'a' : 'w' })).catch(error => {
      throw new UserError(`The download of ${url} broke off (${reason(error)}); run the command again, it goes on from there.`)
    })
  }
  await requireHash(part, sha256, url)
  renameSync(part, file)
}

async function request(url: string, have: number): Promise<Response> {
  const response = await fetch(url, have > 0 ? { headers: { range: `bytes=${have}-` } } : {}).catch(error => {
    throw new UserError(
      `${new URL(url).host} cannot be reached (${reason(error)}): check the network or the proxy, then run the command again.`,
    )
  })
  if (response.ok || response.status === 416) return response
  throw new UserError(`${url} answered ${response.status}; set MAVEN_REPOSITORY_URL to a Maven repository that has it.`)
}

function counting(start: number, total: number, progress: Progress): Transform {
  let bytes = start
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      progress(total > 0 ? `${megabytes(bytes)} of ${megabytes(total)} MB` : `${megabytes(bytes)} MB`)
      done(null, chunk)
    },
  })
}

/** Deletes the file and throws a Failure unless it has this sha256; `origin` says where it came from. */
export async function requireHash(file: string, sha256: string, origin: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  const actual = hash.digest('hex')
  if (actual === sha256) return
  rmSync(file)
  throw new UserError(
    `${origin} has the sha256 ${actual}, not ${sha256}; it was deleted: run the command again to fetch it anew.`,
  )
}

/** Runs a program to its end, feeding its lines to `line`. Resolves to its exit code, -1 when there is no such program, and all it wrote. */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; line?: (text: string) => void } = {},
): Promise<{ code: number; output: string }> {
  return new Promise(done => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const read = (chunk: Buffer): void => {
      output += chunk
      const last = String(chunk)
        .trim()
        .split(/[\r\n]+/)
        .at(-1)
      if (last) options.line?.(last)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', error => done({ code: -1, output: String(error) }))
    child.once('close', code => done({ code: code ?? 1, output }))
  })
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

const reason = (error: Error & { cause?: unknown }): string =>
  error.cause instanceof Error ? error.cause.message : error.message
