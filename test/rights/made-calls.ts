import { byRole, callsOfAws } from './calls-of-aws.ts'
import type { Call } from './evaluate.ts'
import { placeholders } from './recorded-call.ts'
import { knownLines, readLine } from './recording.ts'
import type { Stage } from './stage.ts'

/** A text with each name of the catalogue. */
const spelledOut = (text: string): string[] =>
  Object.entries(placeholders).reduce<string[]>(
    (texts, [place, values]) =>
      texts.flatMap(each => (each.includes(place) ? values.map(value => each.replaceAll(place, value)) : [each])),
    [text],
  )

/** The calls of the functions, and those of AWS with the roles and on the resources of a stage. */
export function madeCalls(stage: Stage): Call[] {
  const own = knownLines()
    .map(readLine)
    .flatMap(({ function: name, action, resource, prefix }) =>
      spelledOut(stage.fill(resource)).flatMap(each =>
        spelledOut(prefix ?? '').map(list => byRole(stage.roleOf(name), action, each, prefix === undefined ? undefined : list)),
      ),
    )
  return [...own, ...callsOfAws.flatMap(({ calls }) => calls(stage))]
}
