import { type Call, concerns, isAllowed } from './evaluate.ts'
import type { Policy } from './policy.ts'

/** An Allow of a role for every resource instead of its own. */
export interface Widening {
  readonly what: string
  /** Whether then a call is wrongly allowed. */
  readonly noticed: boolean
}

/** Widens every Allow of every role in turn. Policies of resources are not widened: they apply to their resource only. */
export const wideningsOf = (policies: readonly Policy[], refused: readonly Call[]): Widening[] =>
  policies.flatMap((policy, i) => {
    if (policy.role === undefined) return []
    const forbidden = refused.filter(call => concerns(policy, call) && !isAllowed(call, policies))
    return policy.statements.flatMap((statement, j) => {
      if (statement.effect === 'Deny' || statement.resources?.includes('*')) return []
      const statements = policy.statements.with(j, { ...statement, resources: ['*'] })
      const wide = policies.with(i, { ...policy, statements })
      const what = `${policy.id}: ${statement.actions.join()} on ${statement.resources?.join()}`
      return [{ what, noticed: forbidden.some(call => isAllowed(call, wide)) }]
    })
  })
