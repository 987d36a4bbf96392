/**
 * Loaded first into a process under test (`--import`): its log lines are its fail points. While a file named after the process's id lies in
 * the folder `FAULTS_ARMED`, `{"line": "…", "signal": "SIGKILL"}`, the process gives itself that signal when it has written the first line
 * which matches: at that very point of its code, before it does anything else. The file is gone afterwards.
 *
 * A file named `skew` in that folder, with a number in it, makes the clock of each process that starts ahead by so many milliseconds.
 *
 * pino writes its lines asynchronously, unless somebody has put himself before standard output: then each call of the log is a call of
 * ours. Plain JavaScript, since it is loaded before the loader of TypeScript.
 */
import { readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

const file = join(process.env.FAULTS_ARMED, String(process.pid))
const aheadMs = skew()
if (aheadMs !== 0) {
  const now = Date.now
  Date.now = () => now() + aheadMs
}

const { stdout } = process
const write = stdout.write

stdout.write = (text, ...rest) => {
  const written = write.call(stdout, text, ...rest)
  strike(String(text))
  return written
}

function skew() {
  try {
    return Number(readFileSync(join(process.env.FAULTS_ARMED, 'skew'), 'utf8'))
  } catch {
    return 0
  }
}

function strike(text) {
  let order
  try {
    order = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return
  }
  if (!new RegExp(order.line).test(text)) return
  unlinkSync(file)
  process.kill(process.pid, order.signal)
}
