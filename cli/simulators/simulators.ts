import { actions } from './actions.ts'
import { interactions } from './interactions.ts'
import { readings } from './readings.ts'
import type { Simulator } from './simulator.ts'
import { users } from './users.ts'
import { visits } from './visits.ts'

/** All simulators by their name on the command line. A new simulator is one file and one entry here. */
export const simulators: Readonly<Record<string, Simulator>> = { visits, actions, users, interactions, readings }
