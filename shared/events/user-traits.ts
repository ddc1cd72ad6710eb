import { defineEvent, nullable, text } from '../event-type.ts'
import { isObject } from '../json.ts'

import { reject } from '../rejections.ts'

/** What an identify or a group call says: `traits`, an object kept in the row beside its columns. */
export const userTraits = defineEvent({
  name: 'user_traits',
  about: 'What is known of a user, or of a group the user belongs to.',
  fields: { user_id: text(), group_id: nullable(text()) },
  user: row => row.user_id,
  conform: row => (isObject(traitsOf(row)) ? row : reject('invalid_event', 'traits: must be of JSON type object.')),
})

/** The traits of a row. */
export const traitsOf = (row: object): Readonly<Record<string, unknown>> =>
  (row as { readonly traits: Readonly<Record<string, unknown>> }).traits
