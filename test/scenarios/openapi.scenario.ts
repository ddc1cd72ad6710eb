import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { readLocalOutputs } from '../../cli/target.ts'
import { cacheFolder, installOnce, run } from '../../localstack/cache.ts'
import { findPython } from '../../localstack/python.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const MINUTES = 60_000
const SCHEMATHESIS = 'schemathesis==4.32.5'
const SEED = '1'
const SECONDS = '30'
const folder = temporaryFolder('openapi')

test(
  'responses to valid and invalid requests that schemathesis generates conform to the OpenAPI document',
  async () => {
    const { apiUrl, adminKey } = await readLocalOutputs()
    const { command } = await findPython()
    const document = path.join(folder, 'openapi.json')
    await writeFile(document, JSON.stringify(withoutCursors(await (await fetch(`${apiUrl}/v1/openapi.json`)).json())))
    const args = [
      ...['-m', 'schemathesis.cli', 'run', document, '--url', apiUrl, '--header', `Authorization: Bearer ${adminKey}`],
      ...['--phases', 'coverage,fuzzing', '--seed', SEED, '--max-time', SECONDS, '--generation-database', 'none', '--no-color'],
      // For a method that a path does not have, the gateway responds 404 and calls no function.
      ...['--exclude-checks', 'unsupported_method', '--continue-on-failure'],
    ]
    const { code, output } = await run(command, args, {
      cwd: folder,
      env: {
        ...process.env,
        PYTHONPATH: [await schemathesis(command), import.meta.dirname].join(path.delimiter),
        PYTHONDONTWRITEBYTECODE: '1',
        SCHEMATHESIS_HOOKS: 'openapi_hooks',
      },
    })
    if (code !== 0) throw new Error(output)
    expect(output).toMatch(/Tested: (\d+)/)
  },
  5 * MINUTES,
)

/** Installs schemathesis into the download cache. Returns its folder. */
const schemathesis = (python: string): Promise<string> =>
  installOnce(
    path.join(cacheFolder(), SCHEMATHESIS.replace('==', '-')),
    () => {},
    async scratch => {
      const args = ['-m', 'pip', 'install', '--quiet', '--no-input', '--only-binary', ':all:', '--target', scratch, SCHEMATHESIS]
      const { code, output } = await run(python, args)
      if (code !== 0) throw new Error(`Cannot install schemathesis: ${output}`)
      return scratch
    },
  )

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { parameters?: { readonly name: string }[] }>>>>
}

/** The document without cursor parameters. The API accepts only cursors that it returned, so a generated one is always invalid. */
function withoutCursors(document: unknown): OpenApi {
  const copy = structuredClone(document) as OpenApi
  for (const operations of Object.values(copy.paths))
    for (const operation of Object.values(operations))
      if (operation.parameters) operation.parameters = operation.parameters.filter(({ name }) => name !== 'cursor')
  return copy
}
