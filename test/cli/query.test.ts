import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { get } from '../../cli/query.ts'
import type { Target } from '../../cli/target.ts'

test('what the API returns is printed with the digits of its long integers', async () => {
  const text = '{"user":"u","states":{"user-traits":{"traits":{"n":12345678901234567891}}}}'
  const server = createServer((_request, response) => response.end(text)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const shown = await get({ apiUrl, key: () => 'k' } as unknown as Target, '/v1/users?id=u')
  server.close()
  expect(JSON.stringify(shown)).toBe(text)
})
