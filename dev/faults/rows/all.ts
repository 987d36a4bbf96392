import type { Fault } from '../fault.ts'
import { ofTheCluster } from './cluster.ts'
import { diskFull } from './disk.ts'
import { ofProcesses } from './processes.ts'
import { brokerRestart, ofServices } from './services.ts'
import { ofTheWorld } from './world.ts'
import { ofWindows } from './windows.ts'

/** Every fault of the campaign, in the order in which they strike. */
export const allFaults: readonly Fault[] = [
  ...ofProcesses,
  ...ofWindows,
  ...ofServices,
  ...ofTheWorld,
  brokerRestart,
  diskFull,
  ...ofTheCluster,
]
