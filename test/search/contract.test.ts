import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { plant } from '../simulation/mutant.ts'
import { searchMistakes } from './mistakes.ts'

const MUTANTS = '.millrace/search-mistakes'
const run = promisify(execFile)

afterAll(() => rmSync(MUTANTS, { recursive: true, force: true }))

/** The rules that the code below `root` breaks. In a process of its own, because the copies are outside of jest's modules. */
async function violationsOf(root: string): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, ['test/search/contract.ts', '--root', root])
  return JSON.parse(stdout)
}

test('documents follow the rules of versions, erasures, busy clusters and revisions', async () => {
  expect(await violationsOf('.')).toEqual([])
})

test.concurrent.each(searchMistakes.map(mistake => [mistake.about, mistake] as const))('caught: %s', async (_, mistake) => {
  expect(await violationsOf(plant(mistake, MUTANTS))).toEqual(expect.arrayContaining([expect.any(String)]))
})
