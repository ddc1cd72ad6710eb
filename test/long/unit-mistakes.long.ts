import { run } from '../../localstack/cache.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { copyProduct, planted } from '../mistakes/plant.ts'
import { unitMistakes } from '../mistakes/unit-mistakes.ts'

const MINUTES = 60_000
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js']
const folder = temporaryFolder('mistakes')

beforeAll(() => copyProduct(folder))

const runTests = (files: readonly string[]) =>
  run(process.execPath, [...JEST, '--selectProjects', 'unit', '--runInBand', ...files], { cwd: folder })

test(
  'without a mistake, the tests that must catch one pass',
  async () => {
    const files = new Set(unitMistakes.flatMap(({ tests }) => tests))
    const { code, output } = await runTests([...files])
    if (code !== 0) throw new Error(output)
  },
  10 * MINUTES,
)

test.each(unitMistakes.map(mistake => [mistake.about, mistake] as const))(
  'caught by a unit test: %s',
  async (_, mistake) => {
    const { code, output } = await planted(mistake, folder, () => runTests(mistake.tests))
    const [, failed] = /● (.*)/.exec(output) ?? []
    console.log(`${mistake.name}: ${failed}`)
    expect(code).not.toBe(0)
    expect(failed).toBeDefined()
  },
  10 * MINUTES,
)
