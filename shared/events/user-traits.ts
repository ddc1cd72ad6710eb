import { defineEvent, nullable, text } from '../event-type.ts'
import { typeProblem } from '../field-problem.ts'
import { isObject, type JsonObject } from '../json.ts'
import { reject } from '../rejections.ts'

/** The content of an identify or group call. The row also has `traits`, an object, which is stored in the column `data`. */
export const userTraits = defineEvent({
  name: 'user_traits',
  about: 'Traits of a user, or of a group that the user belongs to.',
  fields: { user_id: text(), group_id: nullable(text()) },
  samples: { traits: [{}, { plan: 'free' }, { plan: 'pro', seats: 3 }, { name: 'A', address: { city: 'Lima' } }] },
  user: row => row.user_id,
  conform: row => (isObject(traitsOf(row)) ? row : reject('invalid_event', typeProblem(row, 'traits', 'an object'))),
})

/** The traits of a row. */
export const traitsOf = (row: object): JsonObject => (row as { readonly traits: JsonObject }).traits
