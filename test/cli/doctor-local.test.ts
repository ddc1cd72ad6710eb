import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { localFindings } from '../../cli/doctor/local-findings.ts'
import { ENTRY, millrace } from '../fixtures/command.ts'
import { ownPorts } from '../fixtures/own-ports.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('doctor-local')
const ready = { python: '3.12', catalogue: [], ports: [], running: [], ended: [], unclean: undefined }
const codes = (more: object) => localFindings({ ...ready, ...more }).map(({ level, code }) => `${level} ${code}`)

test('what keeps the local cloud from starting is an error; what the next start changes is a warning', () => {
  const problem = { message: 'It is missing.', remedy: 'Install it.' }
  expect(localFindings(ready)).toEqual([{ level: 'info', code: 'python', message: 'Python 3.12 is installed.', remedy: '' }])
  expect(localFindings({ ...ready, python: problem })).toEqual([{ level: 'error', code: 'python', ...problem }])
  expect(codes({ catalogue: ['a'], ports: [problem, problem] })).toEqual([
    ...['info python', 'error catalogue', 'error port_in_use', 'error port_in_use'],
  ])
  expect(codes({ running: ['API'], ended: ['cloud ended unexpectedly'], unclean: '/x/cloud' })).toEqual([
    ...['info python', 'warning part_ended', 'warning unclean_end', 'info running'],
  ])
})

/** Runs `doctor` in a folder of its own, with ports of its own. */
const doctor = (variables: Readonly<Record<string, string>>, ...args: string[]): Promise<{ code: number; stdout: string }> =>
  new Promise(done =>
    execFile(
      process.execPath,
      [ENTRY, 'doctor', ...args],
      { cwd: folder, env: { ...process.env, ...variables } },
      (error, stdout) => done({ code: error ? Number(error.code) : 0, stdout }),
    ),
  )

test('a port in use is an error that names its remedy; without it the machine is ready', async () => {
  const { ports, variables } = await ownPorts()
  const server = createServer()
  await new Promise<void>(listening => server.listen(ports.cloud, '127.0.0.1', listening))
  const { code, stdout } = await doctor(variables, '--json')
  await new Promise(closed => server.close(closed))
  expect([code, JSON.parse(stdout)]).toEqual([
    1,
    {
      ok: false,
      findings: [
        expect.objectContaining({ level: 'info', code: 'python' }),
        {
          ...{ level: 'error', code: 'port_in_use', message: expect.stringContaining(`Port ${ports.cloud} is in use by `) },
          remedy: expect.stringContaining('choose another port with MILLRACE_CLOUD_PORT='),
        },
      ],
    },
  ])
  expect(await doctor(variables)).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^info {4}python: .*\nNext: npx millrace up\n$/),
  })
})

test('a cloud that did not stop cleanly is a warning', async () => {
  const { variables } = await ownPorts()
  mkdirSync(path.join(folder, '.millrace/cloud/state'), { recursive: true })
  writeFileSync(path.join(folder, '.millrace/cloud/state/tables'), '')
  const { code, stdout } = await doctor(variables, '--json')
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true, findings: [{}, { level: 'warning', code: 'unclean_end' }] }])
})

test('ports that cannot work are an error', async () => {
  const { code, stdout } = await doctor({ MILLRACE_API_PORT: '0' }, '--json')
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { ok: false, findings: [{ level: 'error', code: 'ports' }] }])
})

test.each([
  ['destroy', '`npx millrace reset` deletes the data of the local cloud.'],
  ['alarms test', 'The local cloud has no alarms: `npx millrace status` shows its state.'],
])('`%s` without a stage is a usage error of one line that names the local equivalent', async (command, line) => {
  expect(await millrace(command.split(' '), folder)).toEqual({
    ...{ code: 2, stdout: '', stderr: `Name the stage with --stage. ${line}\n` },
  })
})
