import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** One deliberate mistake: a piece of the product's source and its wrong replacement. */
export interface PlantedMistake {
  readonly name: string
  readonly about: string
  readonly file: string
  readonly right: string
  readonly wrong: string
}

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
      `The code that the mistake ${mistake.name} replaces is not exactly once in ${mistake.file}; update the list of mistakes.`,
    )
  writeFileSync(
    file,
    source.replace(mistake.right, () => mistake.wrong),
  )
  return root
}
