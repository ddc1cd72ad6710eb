import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { localCloud, parts } from '../../localstack/parts.ts'
import { kill } from '../../localstack/processes.ts'
import { type LocalOutputs, outputsWithoutKeys } from '../../shared/outputs.ts'
import { type CommandResult, ENTRY } from '../fixtures/command.ts'
import { ownPorts } from '../fixtures/own-ports.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

// A local cloud of its own, below a path with a space and letters outside ASCII, behind a proxy that does not respond, in a
// locale that is not installed.
// Before the hook that deletes the folder: hooks run in the order of their definition.
afterAll(() => millrace(['down']))
const folder = path.join(temporaryFolder('start'), 'Größe und Länge')
const { ports, variables } = await ownPorts()
const PROXY = 'http://127.0.0.1:9'
const { NO_PROXY, no_proxy, FORCE_COLOR, NO_COLOR, ...inherited } = process.env
const env = {
  ...inherited,
  LC_ALL: 'xx_YY.UTF-8',
  CI: '1',
  NODE_USE_ENV_PROXY: '1',
  ...{ HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, http_proxy: PROXY, https_proxy: PROXY },
  ...variables,
}

/** Runs a command below the folder. `answer` is its standard input. */
const millrace = (args: readonly string[], answer = ''): Promise<CommandResult> =>
  new Promise(resolve => {
    const child = execFile(process.execPath, [ENTRY, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    )
    child.stdin?.end(answer)
  })

const local = () => localCloud(path.join(folder, '.millrace'), ports)
const outputs = (): LocalOutputs => JSON.parse(readFileSync(path.join(folder, '.millrace', 'outputs.json'), 'utf8'))
const running = () => parts.filter(({ pid }) => pid(local()) !== undefined).map(({ name }) => name)

beforeAll(() => {
  mkdirSync(folder)
})

test(
  'two `up` at once: one waits for the other, both succeed, and the keys of one are in outputs.json',
  async () => {
    const both = await Promise.all([millrace(['up', '--detach']), millrace(['up', '--detach'])])
    expect(both.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0])
    expect(both.filter(({ stderr }) => /^Process \d+ is already starting the local cloud\. Waiting/m.test(stderr))).toHaveLength(
      1,
    )
    const { apiUrl, consoleUrl, readKey, writeKey, adminKey, accessKeyId, secretAccessKey } = outputs()
    for (const { stdout } of both) {
      expect(stdout).toContain('keys are in .millrace/outputs.json')
      for (const key of [readKey, writeKey, adminKey, accessKeyId, secretAccessKey]) expect(stdout).not.toContain(key)
    }
    const links = both.map(({ stdout }) => /^Console: (\S+)#code=([\w-]{43}) /m.exec(stdout) ?? [])
    expect(new Set(links.map(([, , code]) => code)).size).toBe(2)
    expect(links.map(([, url]) => url)).toEqual([consoleUrl, consoleUrl])
    expect(consoleUrl).toBe(`${apiUrl}/`)
    const response = await fetch(`${apiUrl}/v1/metrics`, { headers: { authorization: `Bearer ${adminKey}` } })
    expect(response.status).toBe(200)
  },
  5 * 60_000,
)

test('events go through every store, and the output has no colours', async () => {
  const sent = await millrace(['simulate', 'readings', '--count', '40'])
  const status = await millrace(['status', '--wait', '60', '--json'])
  expect([sent.stderr, status.stderr, JSON.parse(status.stdout)]).toEqual([
    expect.any(String),
    '',
    expect.objectContaining({ settled: true, accepted: 40, folded: 40, archived: 40 }),
  ])
  const { code, stdout } = await millrace(['up', '--detach'])
  expect([code, sent.stdout + stdout]).toEqual([0, expect.not.stringContaining('\u001b')])
})

test('the access key is another one after each start of the cloud', async () => {
  const before = outputs().accessKeyId
  const { code, stdout } = await millrace(['up', '--detach', '--json'])
  expect([code, JSON.parse(stdout)]).toEqual([0, JSON.parse(JSON.stringify(outputsWithoutKeys(outputs())))])
  expect(outputs().accessKeyId).toBe(before)
  const stopped = JSON.parse((await millrace(['down', '--json'])).stdout)
  expect(stopped).toEqual({ stopped: ['API', 'cloud', 'OpenSearch'], killed: [] })
  expect((await millrace(['up', '--detach'])).code).toBe(0)
  expect(outputs().accessKeyId).toMatch(/^LOCAL[0-9a-f]{32}$/)
  expect(outputs().accessKeyId).not.toBe(before)
  expect((await millrace(['status', '--wait', '60'])).code).toBe(0)
})

test('`status` names the part that has ended; `up` starts it again', async () => {
  const openSearch = parts.find(({ name }) => name === 'OpenSearch')
  await kill(path.join(folder, '.millrace', 'opensearch', 'opensearch.pid'))
  expect(running()).toEqual(['API', 'cloud'])
  expect(openSearch?.failure(local())).toMatch(/^OpenSearch ended unexpectedly: its log has no error \(see /)
  const { code, stderr } = await millrace(['status'])
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^OpenSearch ended unexpectedly: .* Start it again with `npx millrace up`\.\n$/),
  ])
  expect((await millrace(['up', '--detach'])).code).toBe(0)
  expect((await millrace(['status', '--wait', '60'])).stderr).toBe('')
})

test('`reset` refuses while the cloud runs, asks, and deletes the data', async () => {
  expect(await millrace(['reset'], 'y\n')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^The local cloud is running\. Stop it with/),
  })
  await millrace(['down'])
  expect(await millrace(['reset'], 'n\n')).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was deleted.') })
  expect(await millrace(['reset', '--json'])).toMatchObject({
    ...{ code: 1, stdout: '', stderr: expect.stringContaining('Nothing was deleted.') },
  })
  expect(existsSync(local().cloud.folder)).toBe(true)
  expect(await millrace(['reset'], 'y\n')).toMatchObject({ code: 0, stdout: expect.stringContaining('starts empty') })
  expect(existsSync(local().folder)).toBe(false)
})

test('an `up` that fails stops what it has started, and says why', async () => {
  const data = path.join(folder, '.millrace', 'opensearch', 'data')
  mkdirSync(path.dirname(data), { recursive: true })
  writeFileSync(data, 'a file in the place of the folder of OpenSearch')
  const { code, stderr } = await millrace(['up', '--detach'])
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^OpenSearch ended during its start: \S*Exception.*opensearch\/data/m),
  ])
  expect(running()).toEqual([])
})
