import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failureIn } from '../../localstack/log-failure.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const log = join(temporaryFolder('log'), 'part.log')

const WARNINGS = `WARNING: sun.misc.Unsafe::objectFieldOffset will be removed in a future release
2026-11-26T19:19:39,988 WARN  o.o.b.Natives unable to load JNA native support library, native methods will be disabled.
java.lang.UnsatisfiedLinkError: Could not find JNA native support
	at com.sun.jna.Native.loadNativeDispatchLibrary(Native.java:1011)
`

test.each([
  [
    'the root cause of OpenSearch',
    `${WARNINGS}2026-11-26T19:26:27,446 ERROR o.o.b.OpenSearchUncaughtExceptionHandler uncaught exception in thread [main]
org.opensearch.bootstrap.StartupException: BindHttpException[Failed to bind to 127.0.0.1:26592];
Caused by: BindHttpException[Failed to bind to 127.0.0.1:26592]; nested: BindException[Address already in use];
	at org.opensearch.node.Node.start(Node.java:2109)
	... 6 more
uncaught exception in thread [main]
Likely root cause: java.net.BindException: Address already in use
	at org.opensearch.cli.Command.mainWithoutErrorHandling(Command.java:138)
For complete error details, refer to the log at millrace-local.log
`,
    'java.net.BindException: Address already in use',
  ],
  [
    'an exception of Java below warnings and above its stack',
    `${WARNINGS}Exception in thread "main" java.nio.file.InvalidPathException: Malformed input: /home
	at java.base/sun.nio.fs.UnixPath.encode(Unknown Source)
	at org.opensearch.bootstrap.OpenSearch.main(OpenSearch.java:91)
`,
    'java.nio.file.InvalidPathException: Malformed input: /home',
  ],
  [
    'Java without memory',
    `OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x0, 9, 0) failed; error='Not enough space' (errno=12)
#
# There is insufficient memory for the Java Runtime Environment to continue.
# An error report file with more information is saved as:
`,
    'There is insufficient memory for the Java Runtime Environment to continue.',
  ],
  [
    'Java with wrong options',
    'Error occurred during initialization of VM\nInitial heap size set to a larger value than the maximum heap size\n',
    'Initial heap size set to a larger value than the maximum heap size',
  ],
  [
    'a traceback of Python',
    'Traceback (most recent call last):\n  File "main.py", line 9, in <module>\n    serve()\nOSError: [Errno 98] Address already in use\n',
    'OSError: [Errno 98] Address already in use',
  ],
  [
    'an error of Node',
    `node:events:487
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use 127.0.0.1:24580
    at Server.setupListenHandle [as _listen2] (node:net:1940:16)
Emitted 'error' event on Server instance at:
    at emitErrorNT (node:net:1919:8) {
  code: 'EADDRINUSE',
  port: 24580
}

Node.js v24.21.0
`,
    'Error: listen EADDRINUSE: address already in use 127.0.0.1:24580',
  ],
  ['the last line of any other text', 'starting\nno space left\n', 'no space left'],
  ['nothing in a log with warnings only', WARNINGS, 'its log has no error'],
  ['nothing in an empty log', '', 'its log has no error'],
])('the reason why a process ended is %s', (_, text, reason) => {
  writeFileSync(log, text)
  expect(failureIn(log)).toBe(reason)
})
