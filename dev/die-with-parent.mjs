/**
 * Ends this process, by SIGTERM so that it may tidy up, when the process that started it is gone.
 *
 * `npm run services` is a chain: npm, the bootstrap, the program. A signal is handed down the chain, but a SIGKILL
 * cannot be, and would leave the end of the chain running unseen. Loaded with `--import`, so child processes that
 * inherit Node's flags are covered as well. Polling, since Node offers no event for it.
 */
import { setInterval } from 'node:timers'

const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
}, 500).unref()
