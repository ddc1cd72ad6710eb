import { type Command, InvalidArgumentError } from 'commander'
import { parseDay, parseInstant } from '../shared/time.ts'
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

/** Checks that a text is a day. Throws a usage error for other text. */
export function day(text: string): string {
  if (parseDay(text) !== undefined) return text
  throw new InvalidArgumentError('It must be a day, such as 2026-01-31.')
}

/** Checks that a text is an RFC 3339 instant. Throws a usage error for other text. */
export function instant(text: string): string {
  if (parseInstant(text) !== undefined) return text
  throw new InvalidArgumentError('It must be an instant such as 2026-01-31T12:00:00Z.')
}

/** Prints a value as JSON, on one line unless an indentation is given. */
export const printJson = (value: unknown, indent?: number): void => console.log(visibleLines(JSON.stringify(value, null, indent)))
