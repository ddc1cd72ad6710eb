import { fuzz } from './fuzz/in-process.ts'

const BODIES = 4_000
/** The memory of the deployed function. */
const MEMORY_MEGABYTES = 1024

test('every request gets a specified response, and no valid event is lost', async () => {
  const { responses, responsesOfOutages, codes, elements, foreign, peakMegabytes } = await fuzz(BODIES, 1)
  const statuses = [...new Set(Object.keys(responses).map(response => response.slice(0, 3)))].sort()
  expect(statuses).toEqual(['200', '400', '401', '403', '404', '413', '415', '429'])
  expect(Object.keys(responsesOfOutages)).toContain('503 unavailable')
  expect(Object.keys(codes).sort()).toEqual(['event_too_large', 'invalid_event', 'malformed_json', 'too_many_events'])
  expect(elements).toBeGreaterThan(BODIES)
  expect(foreign.records).toBe(BODIES / 10)
  expect([foreign.folded, foreign.quarantined, foreign.documents].every(count => count > 0)).toBe(true)
  expect(peakMegabytes).toBeLessThan(MEMORY_MEGABYTES)
}, 120_000)
