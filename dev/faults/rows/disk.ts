import { execFileSync } from 'node:child_process'
import { statfsSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault } from '../fault.ts'

/** The broker's disk, small and in memory, so that it can be filled and is gone afterwards. */
let mounted: string | undefined

/** Only root may do this; the error of `mount` says so to everybody else. */
function mount(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300m,mode=755', 'tmpfs', folder])
  mounted = folder
  process.once('exit', unmount)
}

/** Also while a broker that is ending has its files open. */
function unmount(): void {
  if (mounted === undefined) return
  execFileSync('umount', ['--lazy', mounted])
  mounted = undefined
}

const filler = () => join(mounted!, 'filler')
/** Takes all that is left but for a page or two. */
function fill(): void {
  const { bavail, bsize } = statfsSync(mounted!)
  writeFileSync(filler(), Buffer.alloc(Math.max(0, (bavail - 2) * bsize)))
}

export const diskFull: Fault = {
  name: 'disk-full',
  what: "the broker's disk is full; it is dead until somebody makes room",
  how: 'its data lie on a tmpfs of 300 MB, which is filled to the last page; when the broker has died of it the room is given back, and it is started anew (needs root)',
  invariant: 'What was acknowledged is there: nothing is lost, doubled or torn.',
  recovery: 'from the moment the broker answers again until every task that carries time has committed',
  stand: 'disk',
  unwatched: {
    'duplicate-notification': 'the observatory itself writes again what the broker did not acknowledge',
    'duplicate-announcement': 'likewise',
  },
  options: { kafka: { mount }, onClose: unmount, imageTimeoutSeconds: 30 },
  strike: async scene => {
    const { services, lines } = scene.bench
    await scene.until(5, 10)
    fill()
    scene.say('the disk is full')
    await scene.seconds('the broker has died', () => services.died('kafka'))
    await scene.sleep(3)
    unlinkSync(filler())
    await services.revive('kafka')
    scene.say('there is room again, and the broker answers')
    const timely = lines.tasks.filter(task =>
      /^(clock|fan-out|exposure-window|visit-window|raw-intake|publish)#/.test(task),
    )
    return scene.seconds('every task that carries time has committed', signal => lines.going(timely, signal))
  },
}
