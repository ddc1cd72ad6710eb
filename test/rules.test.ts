import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

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
const part = (file: string): string | undefined => /^lambdas\/([^/]+)\//.exec(file)?.[1]
const isTechnology = (file: string): boolean =>
  /^lambdas\/[^/]+\/(dynamodb|opensearch|duckdb|s3|kinesis)(-[a-z-]+)?\.ts$/.test(file)
const outside = (from: string, allowed: (what: string) => boolean) =>
  imports.filter(i => i.from.startsWith(from) && !allowed(i.what)).map(i => `${i.from} imports ${i.what}`)

test('shared/ imports only itself, node and the schema library', () => {
  expect(outside('shared/', what => what.startsWith('shared/') || what.startsWith('node:') || what === 'zod/mini')).toEqual([])
})

test('a part of lambdas/ imports of another part only its technology files', () => {
  const across = imports.filter(i => part(i.from) && part(i.what) && part(i.from) !== part(i.what) && !isTechnology(i.what))
  expect(across.map(i => `${i.from} imports ${i.what}`)).toEqual([])
})

test('lambdas/ imports nothing of infra/, cli/ or localstack/', () => {
  expect(outside('lambdas/', what => !/^(infra|cli|localstack|test)\//.test(what))).toEqual([])
})

test('no barrels and no drawers', () => {
  expect(sources.filter(file => /(^|\/)(index|utils?|helpers?|common|misc|support)(\.ts$|\/)/.test(file))).toEqual([])
  const reExports = sources.filter(file => /^export \* from|^export \{[^}]*\} from/m.test(readFileSync(file, 'utf8')))
  expect(reExports).toEqual([])
})

test('every path in the README exists', () => {
  const paths = [
    ...readFileSync('README.md', 'utf8').matchAll(/`((?:infra|lambdas|shared|cli|console|localstack|docs|test)\/[\w./-]*)`/g),
  ]
  expect(paths.map(([, file = '']) => file).filter(file => !existsSync(file))).toEqual([])
})
