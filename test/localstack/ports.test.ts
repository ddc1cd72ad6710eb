import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { executeUrl } from '../../localstack/api.ts'
import { type Ports, parsePorts, portInUse, readPorts, requireFree } from '../../localstack/ports.ts'

test('ports.env has a different port for each part', () => {
  const ports = Object.values(readPorts({}))
  expect(new Set(ports).size).toBe(ports.length)
  // From 32768 on, Linux uses ports for outgoing connections.
  for (const port of ports) expect(port).toBeLessThan(32_768)
})

test('an environment variable of the same name overrides ports.env', () => {
  expect(readPorts({ MILLRACE_API_PORT: '1234' })).toEqual({ ...readPorts({}), api: 1234 })
})

test('an invalid port gives one line', () => {
  expect(() => parsePorts('MILLRACE_API_PORT=http\n', {})).toThrow(
    /^MILLRACE_API_PORT must be a port from 1 to 65535, not http; see/,
  )
  expect(() => parsePorts('', {})).toThrow('MILLRACE_API_PORT must be a port from 1 to 65535, not empty')
})

test('two equal ports give one line with both names', () => {
  expect(() => readPorts({ MILLRACE_API_PORT: '24566' })).toThrow(
    /^MILLRACE_API_PORT and MILLRACE_CLOUD_PORT are both 24566\. Give each a port of its own; see localstack\/ports\.env\.$/,
  )
})

test('the error for a port in use names its process and says what to do', async () => {
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const ports = { ...readPorts({}), api: port } as Ports
  await expect(requireFree(ports, ['api'])).rejects.toThrow(
    new RegExp(
      `^Port ${port} is in use by node \\(pid ${process.pid}\\)\\. Stop it, or choose another port with MILLRACE_API_PORT=`,
    ),
  )
  await new Promise(done => server.close(done))
  await expect(requireFree(ports, ['api'])).resolves.toBeUndefined()
})

test('an unknown process is called another program', () => {
  expect(portInUse(80, 'MILLRACE_API_PORT', undefined).message).toBe('Port 80 is in use by another program.')
})

test('the URL of the emulated API is derived from the stack output', () => {
  expect(executeUrl('http://127.0.0.1:1', 'https://abc123.execute-api.us-east-1.amazonaws.com')).toBe(
    'http://127.0.0.1:1/_aws/execute-api/abc123/$default',
  )
  expect(executeUrl('http://127.0.0.1:1', 'https://127.0.0.1:1/api')).toBeUndefined()
})
