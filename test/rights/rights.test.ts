import { deletionsOf } from './deletions.ts'
import { type Call, isAllowed } from './evaluate.ts'
import { exceptions } from './exceptions.ts'
import { knownActions } from './known-actions.ts'
import { madeCalls } from './made-calls.ts'
import { recordedLines } from './recording.ts'
import { administrator, refusedCalls } from './refused-calls.ts'
import { stageOf } from './stage.ts'
import { unrecorded } from './unrecorded.ts'
import { usedActions } from './used-actions.ts'
import { wideningsOf } from './widenings.ts'

const textOf = ({ caller, action, resource, context }: Call): string =>
  `${'role' in caller ? caller.role : caller.service} ${action} ${resource} ${JSON.stringify(context)}`

const stages = ['dev', 'prod'].map(name => {
  const stage = stageOf(name)
  const calls = madeCalls(stage)
  const refused = refusedCalls({ stage, calls, neighbours: madeCalls(stageOf(name, 'neighbour')) })
  return { name, policies: stage.policies, calls, refused }
})

test('every action of the policies and of the calls is in AWS’s own list', () => {
  expect(['dev', 'prod'].flatMap(usedActions).filter(action => !knownActions[action])).toEqual([])
})

test('a call with a reason why it is not recorded is not recorded', () => {
  const recorded = recordedLines()
  expect(unrecorded.flatMap(({ lines }) => lines).filter(line => recorded.includes(line))).toEqual([])
})

describe.each(stages)('stage $name', ({ policies, calls, refused }) => {
  test('every recorded call, and every call that AWS makes, is allowed', () => {
    expect(calls.length).toBeGreaterThan(recordedLines().length)
    expect(calls.filter(call => !isAllowed(call, policies)).map(textOf)).toEqual([])
  })

  test('calls of others, on other stages, without TLS, for other accounts, and writes by the query function are refused', () => {
    const wrong = refused.filter(({ call }) => isAllowed(call, [...policies, administrator]))
    expect(wrong.map(({ about, call }) => `${about}: ${textOf(call)}`)).toEqual([])
  })

  test('without any one statement, condition, action or resource of a policy, a call is wrongly refused or allowed', () => {
    const expected = { made: calls, refused: refused.map(({ call }) => call), others: [administrator] }
    const deletions = deletionsOf(policies, expected)
    expect(deletions.length).toBeGreaterThan(policies.length)
    const unnoticed = deletions.filter(({ noticed }) => !noticed)
    expect(unnoticed.filter(({ effect }) => effect === 'Deny').map(({ what }) => what)).toEqual([])
    expect(unnoticed.filter(({ what }) => !exceptions.some(each => each.what.test(what))).map(({ what }) => what)).toEqual([])
    expect(exceptions.filter(({ what }) => !unnoticed.some(each => what.test(each.what)))).toEqual([])
  })
  test('with any one right of a role on every resource, a call is wrongly allowed', () => {
    const widenings = wideningsOf(
      policies,
      refused.map(({ call }) => call),
    )
    expect(widenings.length).toBeGreaterThan(20)
    expect(widenings.filter(({ noticed }) => !noticed)).toEqual([])
  })
})
