import type { Duration } from 'aws-cdk-lib'

interface Range {
  /** Such as `days`. */
  readonly unit: string
  readonly least: number
  /** Without it, there is no greatest number. */
  readonly most?: number
}

/** The text of a setting for an environment variable. Throws an error of one line for a number that is not allowed. */
export function wholeNumber(setting: string, value: number, { unit, least, most = Number.POSITIVE_INFINITY }: Range): string {
  if (Number.isInteger(value) && value >= least && value <= most) return String(value)
  const allowed = most === Number.POSITIVE_INFINITY ? `${least} or more ${unit}` : `${least} to ${most} ${unit}`
  throw new Error(`${setting} is ${value} ${unit}. Set it to a whole number of ${allowed} in infra/settings.ts.`)
}

export const wholeMinutes = (setting: string, value: Duration, range: Omit<Range, 'unit'>): string =>
  wholeNumber(setting, value.toMinutes({ integral: false }), { unit: 'minutes', ...range })

export const wholeHours = (setting: string, value: Duration, range: Omit<Range, 'unit'>): string =>
  wholeNumber(setting, value.toHours({ integral: false }), { unit: 'hours', ...range })

export const wholeDays = (setting: string, value: Duration, range: Omit<Range, 'unit'>): string =>
  wholeNumber(setting, value.toDays({ integral: false }), { unit: 'days', ...range })
