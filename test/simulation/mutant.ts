import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { PlantedMistake } from './mistakes.ts'

/** Copies the product's code with one mistake and returns the folder. Throws if the source does not contain the correct code exactly once. */
export function plant(mistake: PlantedMistake, folder: string): string {
  const root = path.resolve(folder, mistake.name)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  for (const part of ['lambdas', 'shared']) cpSync(part, path.join(root, part), { recursive: true })
  cpSync('revisions.json', path.join(root, 'revisions.json'))
  const file = path.join(root, mistake.file)
  const source = readFileSync(file, 'utf8')
  if (source.split(mistake.right).length !== 2)
    throw new Error(
      `The code that the mistake ${mistake.name} replaces is not exactly once in ${mistake.file}; update test/simulation/mistakes.ts.`,
    )
  writeFileSync(
    file,
    source.replace(mistake.right, () => mistake.wrong),
  )
  return root
}
