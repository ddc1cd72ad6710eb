import { isName, isText, isTextOrNull, type Row } from './lines.ts'

export interface Interaction {
  readonly event_id: string
  readonly eventType: string
  readonly eventValue?: string | null
}

export interface InteractionDocument extends Interaction {
  readonly eventId: string | null
}

export const isInteraction = (row: Row): boolean =>
  isName(row['event_id']) && isText(row['eventType']) && isTextOrNull(row['eventValue'])

const KNOWN = new Map([
  ['pageview/homepage', 'h'],
  ['pageview/about', 'a'],
  ['pageview/checkout', 'c'],
  ['engagement/click', 'c'],
  ['engagement/scroll', 's'],
  ['engagement/hover', 'h'],
])

export const interactionDocuments = (interactions: readonly Interaction[]): InteractionDocument[] =>
  interactions.map(({ event_id, eventType, eventValue = null }) => ({
    event_id,
    eventType,
    eventValue,
    eventId: KNOWN.get(`${eventType}/${eventValue}`) ?? null,
  }))
