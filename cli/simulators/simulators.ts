import { actions } from './actions.ts'
import { interactions } from './interactions.ts'
import { readings } from './readings.ts'
import type { Simulator } from './simulator.ts'
import { users } from './users.ts'
import { visits } from './visits.ts'

/** Every simulator by its name on the command line: a file each, and a line here. */
export const simulators: Readonly<Record<string, Simulator>> = { visits, actions, users, interactions, readings }
