import { rollDice } from '../../../cli/simulators/dice.ts'
import { eventTypes } from '../../../shared/catalogue.ts'
import type { EventType } from '../../../shared/event-type.ts'

import type { IngestRequest } from './inputs.ts'

const good = { authorization: 'Bearer good' }
const values = [
  'null',
  '""',
  '"x"',
  '" 7 "',
  '7',
  '-1',
  '1.5',
  '1e308',
  '1e999',
  'true',
  '[]',
  '{}',
  '9007199254740993',
  '253402300800',
  '-62135596801',
]
const dates = [
  '1/2/2020',
  '29-02-1900',
  '2020.1.1',
  '31 Feb 2020',
  '1/2-2020',
  '2020-2-9T1:00',
  '5 jan 1999',
  '0001-01-01',
  ' 2020/12/31 ',
]
const countries = [
  '',
  ' ',
  'u.s.a.',
  'ÅLAND  islands',
  "cote d'ivoire",
  'new\tzealand',
  'x'.repeat(300),
  '__proto__',
  'İstanbul',
  'ß',
]
const addresses = ['1.2.3.4', '01.2.3.4', '256.0.0.1', '::1', ' 1.1.1.1']
const emails = ['A@X', ' a@x ', 'id:7', 'ID:7', '', 'İ@x', 'e'.repeat(200)]

/** Unusual texts for fields that are parsed. */
const odd: Readonly<Record<string, readonly string[]>> = {
  date: dates,
  country: countries,
  ip_address: addresses,
  email: emails,
  event_time: ['2026-01-01 00:00:00', '2026-01-01 00:00:00.1234567', '0000-01-01 00:00:00', '2026-02-29 00:00:00.5'],
}
const valid = ['1', '"a"', '"2020-01-01"', '"2026-01-01 00:00:01.5"', 'true', '{}']

/** Rows of a type in each of which one field is missing, has another JSON type, is out of range or is unusual. */
function mutations(type: EventType): string[] {
  const fields = Object.keys(type.fields)
  const dice = rollDice(fields.length)
  const rowWith = (changed: string, value: string | undefined, n: number): string => {
    const row = fields.map(field => [field, field === changed ? value : baseOf(type, field, dice.integer(1, 3))] as const)
    const present = row.filter(([, text]) => text !== undefined).map(([field, text]) => `"${field}":${text}`)
    return `{${[`"${type.idField}":"${type.name}-${changed}-${n}"`, ...present]}}`
  }
  return fields.flatMap(field => {
    const texts = [undefined, ...values, ...valid, ...(odd[field] ?? []).map(text => JSON.stringify(text))]
    return texts.map((value, n) => rowWith(field, value, n))
  })
}

/** A valid value of the field, as JSON. */
function baseOf(type: EventType, field: string, n: number): string {
  const texts = [String(n), `"v${n}"`, `"2020-0${n}-01"`, `"2026-01-01 00:0${n}:00"`, 'null', '{}', 'true']
  return texts.find(text => type.fields[field]?.safeParse(JSON.parse(text)).success) ?? 'null'
}

/** The mutated rows of every type, one line each: as bare rows and as the data of envelopes. */
export const mutatedRows = (): IngestRequest[] =>
  eventTypes.flatMap(type => [
    {
      path: `/v1/events/${type.name}`,
      headers: { ...good, 'content-type': 'application/x-ndjson' },
      body: mutations(type).join('\n'),
    },
    {
      path: '/v1/events',
      headers: good,
      body: mutations(type)
        .map(row => `{"type":"${type.name}","subject":"1","data":${row}}`)
        .join('\n'),
    },
  ])
