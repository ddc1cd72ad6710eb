import { jest } from '@jest/globals'

/** A test on the local cloud waits for other processes; jest's default of five seconds is too short on a busy machine. */
jest.setTimeout(2 * 60_000)
