import { hostname } from 'node:os'
import type { ContainerRuntimeClient } from 'testcontainers'
import { identify, isAlive, type ProcessIdentity } from '../processes/identity.ts'
import type { Progress } from '../services.ts'

const label = 'prompt-processing.launcher'

type Launcher = ProcessIdentity & { readonly host: string }

/** The label by which a container names the process that started it. */
export function launcherLabel(): Record<string, string> {
  const launcher: Launcher = { host: hostname(), ...identify(process.pid)! }
  return { [label]: JSON.stringify(launcher) }
}

/**
 * Removes, and names, the containers of launchers of this machine that are dead. Usually there are none, since
 * testcontainers' reaper was quicker; this is for a site that runs without it.
 */
export async function removeLeftovers(client: ContainerRuntimeClient, progress: Progress): Promise<void> {
  for (const { Id, Image, Labels } of await client.container.list()) {
    const text = Labels[label]
    if (text === undefined) continue
    const launcher = JSON.parse(text) as Launcher
    if (launcher.host !== hostname() || isAlive(launcher)) continue
    progress(`Stale container ${Id.slice(0, 12)} of ${Image} (launcher ${launcher.pid} is dead): removed`)
    await client.container.getById(Id).remove({ force: true, v: true })
  }
}
