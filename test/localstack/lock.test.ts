import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from '../../localstack/lock.ts'
import { writeWhole } from '../../localstack/whole-file.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('lock')

/** Appends `in` and `out` to a file, both while it holds the lock. */
const worker = (lock: string, file: string): string => `
  import { appendFileSync } from 'node:fs'
  import { setTimeout as delay } from 'node:timers/promises'
  import { withLock } from ${JSON.stringify(join(process.cwd(), 'localstack', 'lock.ts'))}
  await withLock(${JSON.stringify(lock)}, pid => console.log(pid), async () => {
    appendFileSync(${JSON.stringify(file)}, 'in ')
    await delay(50)
    appendFileSync(${JSON.stringify(file)}, 'out ')
  })`

const fail = (): never => {
  throw new Error('nobody else holds the lock')
}

const run = (script: string) => promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script])

test('one process at a time holds a lock, also when several take over the lock of a process that has ended', async () => {
  const [lock, file] = [join(folder, 'a.lock'), join(folder, 'a.txt')]
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  writeFileSync(lock, `${pid} 1\n`)
  await Promise.all(Array.from({ length: 5 }, () => run(worker(lock, file))))
  expect(readFileSync(file, 'utf8')).toBe('in out '.repeat(5))
  expect(readdirSync(folder).filter(name => name.startsWith('a.lock'))).toEqual([])
}, 60_000)

test('who waits for a lock learns which process holds it', async () => {
  const lock = join(folder, 'w.lock')
  const holders: number[] = []
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>()
  const first = withLock(lock, fail, () => isReleased)
  const waiting = (pid: number): void => {
    holders.push(pid)
    release()
  }
  const second = withLock(lock, waiting, async () => 'second')
  await first
  expect([await second, holders]).toEqual(['second', [process.pid]])
})

test('a lock is released when the work fails', async () => {
  const lock = join(folder, 'b.lock')
  await expect(
    withLock(
      lock,
      () => {},
      () => Promise.reject(new Error('broken')),
    ),
  ).rejects.toThrow('broken')
  expect(existsSync(lock)).toBe(false)
})

test('a file is written whole: it is another file than before, and nothing else is left', () => {
  const file = join(folder, 'c', 'outputs.json')
  writeWhole(file, 'old')
  writeWhole(file, 'new')
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(readdirSync(join(folder, 'c'))).toEqual(['outputs.json'])
})
