/**
 * Loaded first into a process under test (`--import`): its log lines are its fail points. While a file named after the process's id lies in
 * the folder `FAULTS_ARMED`, `{"line": "…", "signal": "SIGKILL"}`, the process gives itself that signal when it has written the first line
 * which matches: at that very point of its code, before it does anything else. The file is gone afterwards.
 *
 * Plain JavaScript, since it is loaded before the loader of TypeScript.
 */
import fs from 'node:fs'
import { join } from 'node:path'

const file = join(process.env.FAULTS_ARMED, String(process.pid))
const write = fs.writeSync

fs.writeSync = (fd, text, ...rest) => {
  const written = write(fd, text, ...rest)
  if (fd === 1) strike(String(text))
  return written
}

function strike(text) {
  let order
  try {
    order = JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return
  }
  if (!new RegExp(order.line).test(text)) return
  fs.unlinkSync(file)
  process.kill(process.pid, order.signal)
}
