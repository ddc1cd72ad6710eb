import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Mistake } from './mistakes.ts'

/** A copy of the product's code with one mistake in it; returns its folder. Throws when the source no longer has the right line once. */
export function plant(mistake: Mistake, folder: string): string {
  const root = path.resolve(folder, mistake.name)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  for (const part of ['lambdas', 'shared']) cpSync(part, path.join(root, part), { recursive: true })
  const file = path.join(root, mistake.file)
  const source = readFileSync(file, 'utf8')
  if (source.split(mistake.right).length !== 2)
    throw new Error(`${mistake.file} no longer has the line that the mistake ${mistake.name} changes.`)
  writeFileSync(
    file,
    source.replace(mistake.right, () => mistake.wrong),
  )
  return root
}
