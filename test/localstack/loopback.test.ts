import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { excludeLoopbackFromProxy } from '../../localstack/loopback.ts'

const LOOPBACK = '127.0.0.1,localhost,::1'

test.each([
  [{ HTTP_PROXY: 'http://proxy:3128' }, LOOPBACK],
  [{ https_proxy: 'http://proxy:3128', no_proxy: 'intranet, localhost' }, 'intranet,localhost,127.0.0.1,::1'],
  [{ ALL_PROXY: 'http://proxy:3128', NO_PROXY: '*' }, '*'],
  [{ HTTP_PROXY: '' }, undefined],
  [{}, undefined],
])('with %j, NO_PROXY is %s', (given, expected) => {
  const environment: Record<string, string | undefined> = { ...given }
  excludeLoopbackFromProxy(environment)
  expect(environment['NO_PROXY']).toBe(expected)
})

test('the address of an emulator is excluded, too', () => {
  const environment: Record<string, string | undefined> = { HTTP_PROXY: 'http://proxy:3128' }
  excludeLoopbackFromProxy(environment, '127.0.0.7')
  expect(environment['NO_PROXY']).toBe(`${LOOPBACK},127.0.0.7`)
  excludeLoopbackFromProxy(environment, '[::1]')
  expect(environment['NO_PROXY']).toBe(`${LOOPBACK},127.0.0.7`)
})

test('a process that was started with a proxy reaches a server on this machine', async () => {
  const server = createServer((_, response) => response.end('reached')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const script = `
    import { excludeLoopbackFromProxy } from ${JSON.stringify(join(process.cwd(), 'localstack', 'loopback.ts'))}
    const get = () => fetch('${url}').then(response => response.text(), () => 'refused by the proxy')
    console.log(await get())
    excludeLoopbackFromProxy(process.env)
    console.log(await get())`
  const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:9' }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script], { env })
  server.close()
  expect(stdout).toBe('refused by the proxy\nreached\n')
})
