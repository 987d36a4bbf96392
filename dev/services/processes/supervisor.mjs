/**
 * Holds the service processes of one run, and ends them when the launcher is gone, however it went.
 *
 * The launcher talks to this process over an IPC channel. When the launcher stops, crashes or is killed with SIGKILL,
 * the kernel closes the channel; that is the one and only sign on which everything here is ended and the run's folder
 * removed. So there is no handler to forget in the launcher. This process leads a session of its own: a Ctrl-C in the
 * terminal reaches the launcher alone, which may still need its services to finish cleanly.
 *
 * Plain JavaScript, because it is started for every run and a TypeScript loader would cost more than the work it does.
 *
 * In:  { op: 'spawn', name, command, args, cwd, env, uid, gid, log, stopSignal }   { op: 'stop', name, graceMs }
 * Out: { event: 'spawned', name, pid }   { event: 'exited', name, code, signal }   { event: 'failed', name, message }
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'
import { clearTimeout, setTimeout } from 'node:timers'

const [folder] = process.argv.slice(2)
const graceMsAtEnd = 5000
const children = new Map()
let ending = false

const tell = message => process.connected && process.send(message, () => {})

function start({ name, command, args, cwd, env, uid, gid, log, stopSignal }) {
  const output = openSync(log, 'a')
  const child = spawn(command, args, { cwd, env, uid, gid, stdio: ['ignore', output, output] })
  closeSync(output)
  child.stopSignal = stopSignal
  child.on('error', error => tell({ event: 'failed', name, message: error.message }))
  child.on('spawn', () => {
    children.set(name, child)
    if (ending) stop(name, graceMsAtEnd)
    tell({ event: 'spawned', name, pid: child.pid })
  })
  child.on('exit', (code, signal) => {
    children.delete(name)
    clearTimeout(child.lastResort)
    tell({ event: 'exited', name, code, signal })
    if (ending && children.size === 0) leave()
  })
}

function stop(name, graceMs) {
  const child = children.get(name)
  if (!child) return
  child.kill(child.stopSignal)
  child.lastResort ??= setTimeout(() => child.kill('SIGKILL'), graceMs)
}

function end() {
  if (ending) return
  ending = true
  if (children.size === 0) leave()
  for (const name of children.keys()) stop(name, graceMsAtEnd)
}

function leave() {
  // An orphan of a killed Postgres may still be writing its last file: try again rather than leave the folder behind.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  process.exit(0)
}

process.on('message', message => {
  if (message.op === 'spawn') start(message)
  if (message.op === 'stop') stop(message.name, message.graceMs)
})
process.on('disconnect', end)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
