import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { PlantedMistake } from '../simulation/mutant.ts'

/** A mistake that a unit test catches, because the simulation does not reach it or is not strict enough. */
export interface UnitMistake extends PlantedMistake {
  /** Files of which one test must fail. */
  readonly tests: readonly string[]
}

const FOLDERS = ['catalogue', 'cli', 'console', 'infra', 'lambdas', 'localstack', 'shared', 'test']
const FILES = [
  'LICENSE',
  'NOTICE',
  'cdk.json',
  'jest.config.js',
  'package.json',
  'package-lock.json',
  'revisions.json',
  'tsconfig.json',
]

/** Copies the product's code with its tests into a folder, to plant mistakes in it. */
export function copyProduct(folder: string): void {
  for (const part of [...FOLDERS, ...FILES]) cpSync(part, path.join(folder, part), { recursive: true })
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'))
}

/** The source of the mistake's file with the mistake. Throws if the correct code is not exactly once in it. */
export function withMistake({ name, file, right, wrong }: PlantedMistake): string {
  const source = readFileSync(file, 'utf8')
  if (source.split(right).length !== 2)
    throw new Error(`The code that the mistake ${name} replaces is not exactly once in ${file}; update the list of mistakes.`)
  return source.replace(right, () => wrong)
}

/** Calls `run` while the copy has the mistake. */
export async function planted<T>(mistake: PlantedMistake, folder: string, run: () => Promise<T>): Promise<T> {
  const file = path.join(folder, mistake.file)
  writeFileSync(file, withMistake(mistake))
  try {
    return await run()
  } finally {
    cpSync(mistake.file, file)
  }
}
