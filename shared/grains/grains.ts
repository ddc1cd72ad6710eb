import type { Grain, PartGrain } from '../grain.ts'
import { userGrain } from './user.ts'
import { userWindowGrain } from './user-window.ts'
import { windowGrain } from './window.ts'

/** All grains. A projection names its own; this list finds the grain of a stored item. */
export const grains: readonly Grain[] = [userGrain, userWindowGrain, windowGrain]

/** The parts of the grain whose items are of this kind. Undefined: no grain of this code has such items. */
export const partsOfKind = (kind: string): PartGrain | undefined => grains.find(({ parts }) => parts?.kind === kind)?.parts
