import { causeFaults } from '../fixtures/lambda-faults.ts'
import { emittedBy, listen } from '../fixtures/log-lines.ts'

const before = { ...process.env }
afterAll(() => {
  process.env = before
})

test('every kind of failure is counted by a metric', async () => {
  const { result, texts } = await listen(causeFaults)
  expect(result).toMatchObject({ status: 'fulfilled' })
  expect([...emittedBy(texts)]).toEqual(
    expect.arrayContaining([
      'state EventsLate',
      'state EventsQuarantined',
      'state FoldsThrottled',
      'state Retries',
      'state Conflicts',
      'windows Conflicts',
      'windows SlotTooLarge',
      'windows EventsQuarantined',
      'index-documents DocumentsRefused',
      'index-documents Retries',
      'index-events DocumentsRefused',
      'index-events Retries',
      'reindex DocumentsRefused',
      'ingest RequestsUnavailable',
      'ingest RequestsFailed',
      'query RequestsUnavailable',
      'query RequestsFailed',
    ]),
  )
})
