import type { StoredQuarantinedEvent } from '../../shared/quarantine.ts'

/** Bodies that may be replayed have at most about a million characters: that is the largest document. */
const READS_AT_ONCE = 8
/** A group ends with the read that reaches this size. V8 takes up to two bytes for a character. */
const GROUP_CHARACTERS = 8 * 2 ** 20

/** Reads events in groups, so that the memory holds the bodies of one. Events that are gone are left out. */
export async function* inGroups(
  keys: readonly string[],
  read: (key: string) => Promise<StoredQuarantinedEvent | undefined>,
): AsyncGenerator<readonly StoredQuarantinedEvent[]> {
  let group: StoredQuarantinedEvent[] = []
  let characters = 0
  for (let at = 0; at < keys.length; at += READS_AT_ONCE) {
    const found = await Promise.all(keys.slice(at, at + READS_AT_ONCE).map(read))
    for (const event of found.filter(each => each !== undefined)) {
      group.push(event)
      characters += event.body.length
    }
    if (characters < GROUP_CHARACTERS) continue
    yield group
    group = []
    characters = 0
  }
  if (group.length > 0) yield group
}
