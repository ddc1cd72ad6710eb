import type { Event } from '../shared/event.ts'
import type { QuarantinedEvent } from '../shared/quarantine.ts'
import type { UserItem } from '../shared/state.ts'

/** A valid event with the least that it needs; say only what the test is about. */
export const anEvent = <Data>(data: Data, facts: Partial<Omit<Event, 'data'>> = {}): Event<Data> => ({
  id: 'e1',
  source: 'test',
  type: 'page_visit',
  subject: '1',
  time: 0n,
  received: 1_000_000,
  data,
  ...facts,
})

export const aVisit = (url: string, timestamp: number, facts: Partial<Omit<Event, 'data'>> = {}) =>
  anEvent({ Id: Number(facts.subject ?? 1), Url: url, Timestamp: timestamp }, facts)

interface ReadingData {
  device_id: string
  device_type: string | null
  timestamp: number
  temperature: number | null
  event_duration: number | null
  status: string | null
}

export const aReading = (data: Partial<ReadingData> = {}, facts: Partial<Omit<Event, 'data'>> = {}) =>
  anEvent<ReadingData>(
    { device_id: 'd1', device_type: 'pump', timestamp: 0, temperature: 20, event_duration: 10, status: 'ok', ...data },
    { type: 'reading', subject: data.device_id ?? 'd1', ...facts },
  )

export const anAction = (event_action: string | null, facts: Partial<Omit<Event, 'data'>> = {}) =>
  anEvent(
    { user_id: 3, app_name: 'product_1', event_action, event_category: 'category_1', event_value: null, event_time: null },
    { type: 'app_action', subject: '3', ...facts },
  )

const recordData = {
  id: 1,
  first_name: null as string | null,
  last_name: null as string | null,
  email: 'a@x' as string | null,
  gender: null as string | null,
  ip_address: null as string | null,
  date: '2020-01-01' as string | null,
  country: 'Chad' as string | null,
  arrived_at: null as number | null,
  ip_valid: false,
}

export const aRecord = (data: Partial<typeof recordData> = {}, facts: Partial<Omit<Event, 'data'>> = {}) =>
  anEvent({ ...recordData, ...data }, { type: 'user_record', subject: data.email ?? 'id:1', ...facts })

/** A user's item that holds nothing yet. */
export const aUserItem = (user: string, facts: Partial<UserItem> = {}): UserItem => ({
  user,
  version: 1,
  sequenceNumber: '1',
  identities: new Uint8Array(),
  recordHashes: new Uint8Array(),
  states: {},
  late: 0,
  erasedOrder: 0,
  outbox: [],
  ...facts,
})

/** An event that does not fit its type, to be kept aside. */
export const aRefusedEvent = (facts: Partial<QuarantinedEvent> = {}): QuarantinedEvent => ({
  code: 'invalid_event',
  message: 'No.',
  type: 'page_visit',
  id: null,
  keyName: 'web',
  received: 5,
  form: 'envelope',
  body: '{"type":"page_visit","data":{"Id":1,"Url":"/a","Timestamp":2}}',
  ...facts,
})
