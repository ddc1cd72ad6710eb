import { type Call, concerns, isAllowed } from './evaluate.ts'
import type { Condition, Policy, Statement } from './policy.ts'

/** The deletion of one part of a policy. */
export interface Deletion {
  readonly kind: 'statement' | 'condition' | 'action' | 'resource'
  readonly effect: Statement['effect']
  /** The policy, the statement, and the part that is deleted. */
  readonly what: string
  /** Whether then a call is wrongly refused, or wrongly allowed. */
  readonly noticed: boolean
}

/** What must be allowed and refused, and the policies that nothing is deleted from. */
interface Expected {
  readonly made: readonly Call[]
  readonly refused: readonly Call[]
  readonly others: readonly Policy[]
}

/** Deletes every statement, condition, action and resource of every policy in turn. */
export const deletionsOf = (policies: readonly Policy[], { made, refused, others }: Expected): Deletion[] =>
  policies.flatMap((policy, i) => {
    const all = [...policies, ...others]
    const needed = made.filter(call => concerns(policy, call) && isAllowed(call, all))
    const forbidden = refused.filter(call => concerns(policy, call) && !isAllowed(call, all))
    return policy.statements.flatMap((statement, j) =>
      changesOf(statement).map(({ kind, part, rest }) => {
        const remaining = all.with(i, { ...policy, statements: policy.statements.toSpliced(j, 1, ...(rest ? [rest] : [])) })
        return {
          kind,
          effect: statement.effect,
          what: `${policy.id}: ${textOf(statement)}${part && ` without ${part}`}`,
          noticed: needed.some(call => !isAllowed(call, remaining)) || forbidden.some(call => isAllowed(call, remaining)),
        }
      }),
    )
  })

interface Change {
  readonly kind: Deletion['kind']
  readonly part: string
  /** What remains of the statement. */
  readonly rest: Statement | undefined
}

function changesOf(statement: Statement): Change[] {
  const { actions, resources = [], conditions } = statement
  const others = <Value>(values: readonly Value[], value: Value): Value[] => values.filter(each => each !== value)
  return [
    { kind: 'statement', part: '', rest: undefined },
    ...conditions.map(
      (each): Change => ({
        kind: 'condition',
        part: textOfCondition(each),
        rest: { ...statement, conditions: others(conditions, each) },
      }),
    ),
    ...(actions.length > 1 ? actions : []).map(
      (each): Change => ({
        kind: 'action',
        part: each,
        rest: { ...statement, actions: others(actions, each) },
      }),
    ),
    ...(resources.length > 1 ? resources : []).map(
      (each): Change => ({
        kind: 'resource',
        part: each,
        rest: { ...statement, resources: others(resources, each) },
      }),
    ),
  ]
}

const textOf = ({ effect, actions, resources = [], conditions }: Statement): string =>
  [
    effect,
    actions.join(),
    ...(resources.length > 0 ? [`on ${resources.join()}`] : []),
    ...conditions.map(each => `if ${textOfCondition(each)}`),
  ].join(' ')

const textOfCondition = ({ operator, key, values }: Condition): string => `${operator} ${key} ${values.join()}`
