import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const armed = new URL('armed.mjs', import.meta.url).href
/** Arms itself, logs as our processes do, and says whether it has lived on. */
const PROGRAM = `
  import { writeFileSync } from 'node:fs'
  import { pino } from 'pino'
  writeFileSync(process.env.FAULTS_ARMED + '/' + process.pid, process.env.ORDER)
  const log = pino({ base: { process: 'steps' } })
  log.info({ task: 'b#1' }, 'here')
  log.info({ task: process.argv[1] }, 'here')
  process.stdout.write('lived on')
`
const ORDER = JSON.stringify({ line: '"task":"a#\\d+".*"msg":"here"', signal: 'SIGKILL' })

it.each([
  { task: 'a#1', signal: 'SIGKILL', last: /"task":"a#1","msg":"here"}\n$/ },
  { task: 'c#1', signal: null, last: /lived on$/ },
])('a process dies in the very call that writes the line, and by no other line: $task', ({ task, signal, last }) => {
  const folder = mkdtempSync(join(tmpdir(), 'armed-'))
  try {
    const ran = spawnSync(process.execPath, ['--import', armed, '--input-type=module', '-e', PROGRAM, task], {
      env: { ...process.env, FAULTS_ARMED: folder, ORDER },
      encoding: 'utf8',
    })
    expect(ran.stderr).toBe('')
    expect(ran.signal).toBe(signal)
    expect(ran.stdout).toMatch(last)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('the clock of a process that starts is ahead by what the folder says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'armed-'))
  try {
    const run = () =>
      Number(
        spawnSync(process.execPath, ['--import', armed, '-p', 'Date.now()'], {
          env: { ...process.env, FAULTS_ARMED: folder },
          encoding: 'utf8',
        }).stdout,
      )
    const aheadMinutes = () => Math.round((run() - Date.now()) / 60_000)
    expect(aheadMinutes()).toBeCloseTo(0)
    writeFileSync(join(folder, 'skew'), String(3_600_000))
    expect(aheadMinutes()).toBeCloseTo(60)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
