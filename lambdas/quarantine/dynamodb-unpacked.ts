import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SafeError } from '../../shared/safe-error.ts'
import { type Attributes, conditionHeld, refusedWrite } from '../dynamodb.ts'
import { isExpired } from './dynamodb-expiry.ts'
import { type Addition, beginAgain, MARKS, type Marks, storeOrCount } from './dynamodb-updates.ts'

/** An item forgets the oldest mark when more unpackings than this broke off. */
const MAX_MARKS = 16
/** Another attempt is needed only if another function adds to the same item. */
const MAX_ATTEMPTS = 20

/** One unpacking of a bundle. It may be repeated, and several functions may do it at once. */
export interface Unpacking {
  /** Identifies it among all unpackings. */
  readonly mark: string
  /** Whether the unpacking with this mark has begun and not ended. Once it has ended, it never begins again. */
  readonly isUnfinished: (mark: string) => Promise<boolean>
}

/** The marks of an item: those of the unpackings that added to it, except of some that have ended. */
export const marksOf = (item: Attributes): readonly string[] => item[MARKS]?.S?.split(' ') ?? []

/**
 * Adds to items what an unpacking has of their events, once for each item. An item notes the marks of the unpackings that added to it.
 * The next unpacking replaces those that have ended, so that an item has few marks, however many bundles contain its event. So a
 * function that does not find its mark must see that its unpacking has not ended after it read the marks, and replace only what it read.
 */
export function unpackedItems(client: DynamoDBClient, { mark, isUnfinished }: Unpacking) {
  const others = new Map<string, Promise<boolean>>()
  const isOtherUnfinished = (other: string): Promise<boolean> => {
    const known = others.get(other) ?? isUnfinished(other)
    others.set(other, known)
    return known
  }
  const replacing = async (before: string | undefined): Promise<Marks> => {
    const noted = before?.split(' ') ?? []
    const unfinished = await Promise.all(noted.map(isOtherUnfinished))
    const kept = noted.filter((_, at) => unfinished[at])
    return { before, after: [...kept, mark].slice(-MAX_MARKS).join(' ') }
  }
  return async (attributes: Readonly<Record<string, unknown>>, addition: Addition): Promise<void> => {
    let marks: Marks = { before: undefined, after: mark }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const refused = await refusedWrite(client.send(storeOrCount(attributes, { ...addition, marks })))
      if (!refused) return
      const { item = {} } = refused
      if (isExpired(item, addition.now)) {
        const again = beginAgain(attributes, { ...addition, marks: { before: undefined, after: mark } })
        if (await conditionHeld(client.send(again))) return
      } else {
        const noted = item[MARKS]?.S
        // Earlier versions noted an unpacking in a slot.
        const isAdded = marksOf(item).includes(mark) || item[addition.token.slot]?.S === addition.token.text
        if (isAdded || !(await isUnfinished(mark))) return
        marks = await replacing(noted)
      }
    }
    throw new SafeError('Other functions add to the same event of the quarantine. Try again later.')
  }
}
