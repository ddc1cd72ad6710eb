import type { Grain } from '../grain.ts'
import { userGrain } from './user.ts'
import { userWindowGrain } from './user-window.ts'
import { windowGrain } from './window.ts'

/** All grains. A projection names its own; this list finds the grain of a stored item. */
export const grains: readonly Grain[] = [userGrain, userWindowGrain, windowGrain]
