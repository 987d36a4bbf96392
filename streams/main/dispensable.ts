import type { Log } from '../log.ts'
import type { Running } from './running.ts'

/**
 * Starts what the process can do without: where it cannot start, or meets a fault that no restart heals, it is off until the process is
 * started anew, an error in the log says so, and its neighbours go on.
 */
export async function dispensable(
  name: string,
  start: (onFatal: (error: Error) => void) => Promise<Running>,
  log: Log,
): Promise<Running> {
  let stopped: Promise<void> | undefined
  const off = (error: unknown) =>
    log.error({ err: error, code: 'stage-off', stage: name }, `${name} is off until this process is started anew`)
  const onFatal = (error: Error) => {
    off(error)
    stop().catch((failure: unknown) => log.warn({ err: failure, stage: name }, 'it could not be stopped'))
  }
  const started = Promise.resolve().then(() => start(onFatal))
  const stop = () => (stopped ??= started.then(running => running.stop()))
  try {
    await started
    return { stop }
  } catch (error) {
    off(error)
    return { stop: async () => {} }
  }
}
