import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { findCircle, type Graph } from './fixtures/import-graph.ts'

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter(file => file !== '' && existsSync(file))
const sources = files.filter(file => file.endsWith('.ts'))

interface Import {
  readonly from: string
  readonly what: string
}

/** Relative imports of a file as paths from the root, packages by name. */
const importsOf = (file: string): Import[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export) [^'"]*?from '([^']+)'/gm)].map(([, what = '']) => ({
    from: file,
    what: what.startsWith('.') ? path.join(path.dirname(file), what) : what,
  }))

const imports = sources.flatMap(importsOf)
const room = (file: string): string => file.split('/')[0] ?? ''
const part = (file: string): string | undefined => /^lambdas\/([^/]+)\//.exec(file)?.[1]
/** Files named after a technology hold I/O and nothing else. */
const isStore = (file: string): boolean => /^lambdas\/[^/]+\/(dynamodb|opensearch|duckdb|s3|kinesis)(-[a-z-]+)?\.ts$/.test(file)
/** Parts that the others build on. Each may build on those before it, and on no other part. */
const foundations = ['jobs', 'archive']
const isFoundation = (what: string, from: string): boolean => {
  const [built, builder] = [part(what), part(from)].map(name => foundations.indexOf(name ?? ''))
  return built !== undefined && builder !== undefined && built >= 0 && (builder < 0 || built < builder)
}
const violations = (isViolation: (each: Import) => boolean) =>
  imports.filter(isViolation).map(({ from, what }) => `${from} imports ${what}`)

const graph = (name: (file: string) => string): Graph => {
  const edges = new Map<string, Set<string>>()
  for (const { from, what } of imports.filter(({ what }) => sources.includes(what)))
    if (name(from) !== name(what)) edges.set(name(from), (edges.get(name(from)) ?? new Set()).add(name(what)))
  return edges
}

test('shared/ imports only itself, node and the schema library', () => {
  const allowed = (what: string) =>
    what.startsWith('shared/') || what.startsWith('node:') || ['zod/mini', 'revisions.json'].includes(what)
  expect(violations(({ from, what }) => from.startsWith('shared/') && !allowed(what))).toEqual([])
})

test('across the parts of lambdas/, and from outside, only store files and the foundations are imported', () => {
  const isOfAnotherPart = ({ from, what }: Import) =>
    part(what) !== undefined && part(from) !== part(what) && room(from) !== 'test' && !isStore(what) && !isFoundation(what, from)
  expect(violations(isOfAnotherPart)).toEqual([])
})

test('lambdas/ imports nothing of infra/, cli/, catalogue/ or localstack/', () => {
  const isOutside = (what: string) => /^(infra|cli|catalogue|localstack|test)\//.test(what)
  expect(violations(({ from, what }) => from.startsWith('lambdas/') && isOutside(what))).toEqual([])
})

test('only test/ imports test/', () => {
  expect(violations(({ from, what }) => room(from) !== 'test' && room(what) === 'test')).toEqual([])
})

test('no imports in a circle, neither between rooms nor between files', () => {
  expect(findCircle(graph(room))).toEqual([])
  expect(findCircle(graph(file => file))).toEqual([])
})

test('no barrels and no drawers', () => {
  expect(sources.filter(file => /(^|\/)(index|utils?|helpers?|common|misc|support)(\.ts$|\/)/.test(file))).toEqual([])
  const reExports = sources.filter(file => /^export \* from|^export \{[^}]*\} from/m.test(readFileSync(file, 'utf8')))
  expect(reExports).toEqual([])
})

/** Phrases that hide a standard word: quarantined, expired, redelivered, correct, rebuilt, finally, many, is stored, rejected by us. */
const unclear =
  /\b((put|puts|kept|keeps?) aside|lets? go of|(comes?|came) again|mend(s|ed|ing)?|(made|written|drawn) anew|at last|so many|stands? there|none of ours|what is no)\b/i

test('no phrase that hides a plain word', () => {
  const texts = files.filter(file => /\.(ts|js|md|py|sql|html|css)$/.test(file) && file !== 'test/rules.test.ts')
  const lines = texts.flatMap(file =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line, at) => ({ at: `${file}:${at + 1}`, phrase: unclear.exec(line)?.[0] })),
  )
  expect(lines.filter(({ phrase }) => phrase !== undefined)).toEqual([])
})

test('every path in the README exists', () => {
  const paths = [
    ...readFileSync('README.md', 'utf8').matchAll(
      /`((?:infra|lambdas|shared|cli|catalogue|console|localstack|docs|test)\/[\w./-]*)`/g,
    ),
  ]
  expect(paths.map(([, file = '']) => file).filter(file => !existsSync(file))).toEqual([])
})
