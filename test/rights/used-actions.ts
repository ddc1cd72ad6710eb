import { madeCalls } from './made-calls.ts'
import { stageOf } from './stage.ts'

/** The actions of all policies and calls of a stage, in order. Wildcards are not actions. */
export function usedActions(name: string): string[] {
  const stage = stageOf(name)
  const allowed = stage.policies.flatMap(({ statements }) => statements.flatMap(({ actions }) => actions))
  const called = madeCalls(stage).map(({ action }) => action)
  return [...new Set([...allowed, ...called])].filter(action => !action.includes('*')).sort()
}
