import { jest } from '@jest/globals'

/** A test on the local cloud waits for other processes: jest's own five seconds are too few on a busy machine. */
jest.setTimeout(2 * 60_000)
