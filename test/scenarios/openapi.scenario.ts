import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readLocalOutputs } from '../../cli/target.ts'
import { cacheFolder, installOnce, run } from '../../localstack/cache.ts'
import { findPython } from '../../localstack/python.ts'

const MINUTES = 60_000
const SCHEMATHESIS = 'schemathesis==4.32.5'
const SEED = '1'
const SECONDS = '30'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-openapi-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test(
  'requests that schemathesis makes up, valid ones and invalid ones, are answered as the OpenAPI document says',
  async () => {
    const { apiUrl, adminKey } = await readLocalOutputs()
    const { command } = await findPython()
    const document = path.join(folder, 'openapi.json')
    await writeFile(document, JSON.stringify(withoutCursors(await (await fetch(`${apiUrl}/v1/openapi.json`)).json())))
    const args = [
      ...['-m', 'schemathesis.cli', 'run', document, '--url', apiUrl, '--header', `Authorization: Bearer ${adminKey}`],
      ...['--phases', 'coverage,fuzzing', '--seed', SEED, '--max-time', SECONDS, '--generation-database', 'none', '--no-color'],
      // The gateway answers 404 where a path has no such method, and nothing of ours is asked.
      ...['--exclude-checks', 'unsupported_method', '--continue-on-failure'],
    ]
    const { code, output } = await run(command, args, {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: await schemathesis(command) },
    })
    if (code !== 0) throw new Error(output)
    expect(output).toMatch(/Tested: (\d+)/)
  },
  5 * MINUTES,
)

/** The folder of the package in the cache of downloads. */
const schemathesis = (python: string): Promise<string> =>
  installOnce(path.join(cacheFolder(), SCHEMATHESIS.replace('==', '-')), async scratch => {
    const args = ['-m', 'pip', 'install', '--quiet', '--no-input', '--only-binary', ':all:', '--target', scratch, SCHEMATHESIS]
    const { code, output } = await run(python, args)
    if (code !== 0) throw new Error(`schemathesis cannot be installed: ${output}`)
    return scratch
  })

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { parameters?: { readonly name: string }[] }>>>>
}

/** A cursor cannot be made up: any string is a valid form of it, and none but those of answers is taken. */
function withoutCursors(document: unknown): OpenApi {
  const copy = structuredClone(document) as OpenApi
  for (const operations of Object.values(copy.paths))
    for (const operation of Object.values(operations))
      if (operation.parameters) operation.parameters = operation.parameters.filter(({ name }) => name !== 'cursor')
  return copy
}
