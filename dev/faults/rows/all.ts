import type { Fault } from '../fault.ts'
import { ofTheCluster } from './cluster.ts'
import { diskFull } from './disk.ts'
import { failovers, killedLanded } from './failover.ts'
import { ofProcesses } from './processes.ts'
import { lostReplies } from './replies.ts'
import { ofRestores } from './restores.ts'
import { brokerRestart, ofServices, postgresKill } from './services.ts'
import { stalls } from './stalls.ts'
import { ofStrangers } from './strangers.ts'
import { ofWindows } from './windows.ts'
import { ofWorkers } from './workers.ts'
import { ofTheWorld } from './world.ts'

/** Every fault of the campaign, in the order in which they strike. */
export const allFaults: readonly Fault[] = [
  ...ofProcesses,
  ...ofWindows,
  ...ofRestores,
  ...ofWorkers,
  postgresKill,
  killedLanded,
  ...lostReplies,
  ...ofServices,
  ...stalls,
  ...ofStrangers,
  ...ofTheWorld,
  brokerRestart,
  diskFull,
  ...ofTheCluster,
  ...failovers,
]
