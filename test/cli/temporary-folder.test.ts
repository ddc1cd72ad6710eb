import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { withTemporaryFolder } from '../../cli/temporary-folder.ts'
import { ENTRY, millrace } from '../fixtures/command.ts'
import { eventually } from '../fixtures/emulated-cloud.ts'
import { writeLocalOutputs } from '../fixtures/local-outputs.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('temporary')

beforeAll(() => writeLocalOutputs(folder, 'http://127.0.0.1:1'))

const listeners = () => [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]

test('the folder exists only while signals are heard', async () => {
  const before = listeners()
  let created = ''
  const ended = withTemporaryFolder('test', async made => {
    created = made
    await Promise.resolve()
  })
  expect([existsSync(created), listeners()]).toEqual([true, before.map(count => count + 1)])
  await ended
  expect([existsSync(created), listeners()]).toEqual([false, before])
})

test('what fails deletes its folder too', async () => {
  const before = listeners()
  let created = ''
  const ended = withTemporaryFolder('test', async made => {
    created = made
    throw new Error('full')
  })
  await expect(ended).rejects.toThrow('full')
  expect([created !== '', existsSync(created), listeners()]).toEqual([true, false, before])
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends what reads standard input, and nothing of the input stays', async (signal, code) => {
  const temporary = path.join(folder, signal)
  mkdirSync(temporary)
  const child = spawn(process.execPath, [ENTRY, 'send', '-', '--type', 'page_visit'], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary },
  })
  const ended = once(child, 'exit')
  child.stdin.write('{"n":1}\n')
  const left = () => readdirSync(temporary).filter(file => file.startsWith('millrace-'))
  await eventually('the folder of the input', () => left().length > 0)
  child.kill(signal)
  expect([(await ended)[0], left()]).toEqual([code, []])
})

test('a temporary folder that is a file is named in one line', async () => {
  const file = path.join(folder, 'file')
  writeFileSync(file, '')
  expect(await millrace(['sql', 'SELECT 1'], folder, { ...process.env, TMPDIR: file })).toEqual({
    code: 1,
    stdout: '',
    stderr: `No folder can be created in ${file} (ENOTDIR). Set TMPDIR to one that you can write to.\n`,
  })
})
