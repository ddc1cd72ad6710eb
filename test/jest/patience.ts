import { jest } from '@jest/globals'

/** A test that waits for other processes: jest's default of five seconds is too short on a busy machine. */
jest.setTimeout(2 * 60_000)
