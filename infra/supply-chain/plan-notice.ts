import type { ShippedPackage } from './shipped-packages.ts'

/** A package with the texts that its author put beside it. */
export interface LicensedPackage extends ShippedPackage {
  /** The text of its licence. Undefined: its author put none beside it. */
  readonly text: string | undefined
  /** The text of its file NOTICE, which the Apache licence asks to keep. */
  readonly notice: string | undefined
}

const HEAD = `Millrace
Copyright 2026 The Millrace authors

The functions and the console contain the packages below. This file is made by \`npm run notice\`.
`

const LINE = '-'.repeat(80)

/** The text of the file NOTICE: every shipped package with its version, its licence and its copyright. */
export function planNotice(packages: readonly LicensedPackage[]): string {
  const isApache = ({ licence }: LicensedPackage): boolean => licence === 'Apache-2.0'
  const apache = packages.filter(isApache).map(each => [titleOf(each), ...copyrights(each), ...noticeOf(each)].join('\n'))
  const others = byText(packages.filter(each => !isApache(each)))
  return [
    HEAD,
    `${LINE}\nUnder the Apache License 2.0, whose text is in the file LICENSE:\n`,
    `${apache.join('\n')}\n`,
    ...others.map(([text, same]) => `${LINE}\n${same.map(titleOf).join('\n')}\n\n${text}\n`),
  ].join('\n')
}

const titleOf = ({ name, version, licence }: LicensedPackage): string => `${name} ${version} (${licence})`

/** The copyright lines of the text, without the ones of the Apache licence's own template. */
const copyrights = ({ text = '' }: LicensedPackage): string[] =>
  text
    .split('\n')
    .filter(line => /^\s*Copyright\b.*\d{4}/.test(line))
    .map(line => `  ${line.trim()}`)

const noticeOf = ({ notice }: LicensedPackage): string[] =>
  notice === undefined ? [] : notice.split('\n').map(line => `  ${line}`.trimEnd())

/** Packages with the same text together. */
const byText = (packages: readonly LicensedPackage[]): [string, LicensedPackage[]][] => [
  ...Map.groupBy(
    packages,
    ({ licence, text }) => text ?? `Its author put no text beside it: see https://spdx.org/licenses/${licence}`,
  ),
]
