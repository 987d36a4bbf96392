import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The Java that runs the services: of `$JAVA_HOME`, else the one on the PATH. */
export const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java'

/** What `java -version` says. Throws with what to install when there is no Java or it is older than 17. */
export function javaVersion(): string {
  const { stderr, error } = spawnSync(java, ['-version'], { encoding: 'utf8' })
  const major = Number(/version "(\d+)/.exec(stderr ?? '')?.[1])
  if (major >= 17) return stderr
  const found = error ? `${java} cannot be run` : `${java} is version ${major}`
  throw new Error(`${found}; Java 17 or newer is needed, e.g. apt-get install openjdk-17-jre-headless`)
}

/** A short name for exactly this Java, for what only fits the one that made it. */
export function javaFingerprint(): string {
  return createHash('sha256').update(javaVersion()).digest('hex').slice(0, 8)
}

/** Where the archive of an artifact's classes is. */
export const classArchive = (artifact: string) => join(artifact, `classes-${javaFingerprint()}.jsa`)

export interface JavaOptions {
  readonly heapMax: string
  /**
   * File of compiler directives for a service that takes checksums of much data: 20 MB into S3Proxy are 0.23 s of CPU with the first
   * compiler alone, and 0.10 s with both.
   */
  readonly secondCompiler?: string
  /** The archive of the loaded classes (class data sharing), which halves the time a service takes to start. */
  readonly archive: string
  /** Whether this run writes the archive, at its orderly end, instead of reading it. */
  readonly makeArchive: boolean
}

/**
 * The flags of a service's JVM: quick to start and small, since four services share a small machine: one
 * collector thread and only the first compiler, which takes a third off the work of starting, but for a service that
 * digests what it is given: hashes have instructions of their own, which only the second compiler knows, and is kept to. An archive that
 * does not fit the Java, the jars or the collector is silently not used; the service then only starts more slowly.
 */
export function javaFlags({ heapMax, secondCompiler, archive, makeArchive }: JavaOptions): readonly string[] {
  const compilers = secondCompiler
    ? ['-XX:+UnlockDiagnosticVMOptions', `-XX:CompilerDirectivesFile=${secondCompiler}`]
    : ['-XX:TieredStopAtLevel=1']
  const flags = [`-Xmx${heapMax}`, '-XX:+UseSerialGC', ...compilers]
  if (makeArchive) return [...flags, `-XX:ArchiveClassesAtExit=${archive}`]
  return existsSync(archive) ? [...flags, `-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : flags
}
