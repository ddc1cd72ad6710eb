import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { searchMistakes } from '../search/mistakes.ts'
import { mistakes } from './mistakes.ts'
import { type PlantedMistake, plant } from './mutant.ts'
import { simulateSeeds } from './processes.ts'

const MUTANTS = '.millrace/mistake-table'
const run = promisify(execFile)

/** Plants each mistake and prints a Markdown table of what catches it: the first seed from 0 on, or the contract test. */
export async function printMistakes(within: number): Promise<void> {
  console.log('| mistake | caught by | first seed |\n| --- | --- | --- |')
  for (const mistake of mistakes) await printRow(mistake, await simulateSeeds(plant(mistake, MUTANTS), 0, within))
  for (const mistake of searchMistakes) await printRow(mistake, { violations: await brokenRules(plant(mistake, MUTANTS)) })
  rmSync(MUTANTS, { recursive: true, force: true })
}

interface Catch {
  readonly seed?: number
  readonly violations?: readonly string[]
}

function printRow({ name, about }: PlantedMistake, { seed, violations: [first = 'nothing'] = [] }: Catch): void {
  const text = first.replaceAll('|', ' ').slice(0, 160)
  console.log(`| ${name}: ${about} | ${text} | ${seed ?? (first === 'nothing' ? 'none' : 'contract test')} |`)
}

/** The rules of the contract of documents that the code below `root` breaks. */
async function brokenRules(root: string): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, ['test/search/contract.ts', '--root', root])
  return JSON.parse(stdout)
}
