import { type Command, InvalidArgumentError } from 'commander'
import { visibleLines } from './visible.ts'

/** The options of every command that talks to a cloud. */
export interface CommonOptions {
  readonly stage?: string
  readonly json?: boolean
}

/** Adds `--stage` and `--json` to a command. */
export const withCommonOptions = (command: Command): Command =>
  command
    .option('--stage <name>', 'use this stage in your AWS account instead of the local cloud')
    .option('--json', 'print one JSON value')

/** Parses a number above 0. Throws a usage error for other text. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new InvalidArgumentError('It must be a number above 0.')
}

/** Parses an integer of 0 or more. Throws a usage error for other text. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It must be an integer, 0 or more.')
}

/** Prints a value as JSON, on one line unless an indentation is given. */
export const printJson = (value: unknown, indent?: number): void => console.log(visibleLines(JSON.stringify(value, null, indent)))
