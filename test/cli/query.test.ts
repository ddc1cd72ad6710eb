import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { documentsOf, get } from '../../cli/query.ts'
import type { Target } from '../../cli/target.ts'

test('every document is read with an explicit range, so that windows of the future are among them', async () => {
  const urls: string[] = []
  const server = createServer(({ url = '' }, response) => {
    urls.push(url)
    response.end(JSON.stringify({ data: [{ n: urls.length }], cursor: urls.length === 1 ? 'next' : null }))
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const target = { apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: () => 'k' } as unknown as Target
  expect(await documentsOf(target, 'device-minutes')).toEqual([{ n: 1 }, { n: 2 }])
  await documentsOf(target, 'recent-urls')
  server.close()
  const range = 'from=0001-01-01T00%3A00%3A00Z&'
  expect(urls).toEqual([
    `/v1/projections/device-minutes?${range}limit=1000`,
    `/v1/projections/device-minutes?${range}limit=1000&cursor=next`,
    '/v1/projections/recent-urls?limit=1000',
  ])
})

test('what the API returns is printed with the digits of its long integers', async () => {
  const text = '{"user":"u","states":{"user-traits":{"traits":{"n":12345678901234567891}}}}'
  const server = createServer((_request, response) => response.end(text)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const shown = await get({ apiUrl, key: () => 'k' } as unknown as Target, '/v1/users?id=u')
  server.close()
  expect(JSON.stringify(shown)).toBe(text)
})
