import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Progress } from '../services.ts'
import { versions } from '../versions.ts'

/** Copies one artifact (`group:artifact:version[:type[:classifier]]`) without what it depends on into `folder`. */
export function copyArtifact(artifact: string, folder: string, progress: Progress): Promise<void> {
  // Plugin 2.8, since later ones also ask for the artifact's parent POM, which not every mirror holds.
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy'
  return maven([goal, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`], folder, progress)
}

/** Copies the Kafka broker, its command-line tools, a logger, and all they need into `folder`. */
export function copyKafka(folder: string, progress: Progress): Promise<void> {
  const pom = join(folder, 'pom.xml')
  writeFileSync(pom, kafkaPom)
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
  return maven(
    ['-f', pom, goal, '-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'libs')}`],
    folder,
    progress,
  )
}

const dependency = (group: string, artifact: string, version: string, inside = '') =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${inside}</dependency>`

// The tools are taken alone: what they need is there with the broker, but for the option parser.
const kafkaPom = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>prompt-processing</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', versions.kafka)}
    ${dependency('org.apache.kafka', 'kafka-tools', versions.kafka, '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>')}
    ${dependency('net.sf.jopt-simple', 'jopt-simple', '5.0.4')}
    ${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', versions.log4j)}
  </dependencies>
</project>
`

/**
 * Runs Maven in batch mode and tells `progress`, at most every three seconds, how many files and MB it has fetched so
 * far; nothing is fetched when the local repository (~/.m2) has everything. Rejects with the errors it printed.
 */
async function maven(args: readonly string[], cwd: string, progress: Progress): Promise<void> {
  const child = spawn('mvn', ['-B', '-Dstyle.color=never', ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: string[] = []
  child.stderr.on('data', chunk => errors.push(String(chunk)))
  let files = 0
  let megabytes = 0
  let saidAt = Date.now()
  const begunAt = saidAt
  const report = () => `${files} files, ${megabytes.toFixed(1)} MB, ${((Date.now() - begunAt) / 1000).toFixed(0)} s`

  createInterface(child.stdout).on('line', line => {
    const size = /^(?:\[INFO\] )?Downloaded from .*\(([\d.]+) (\S?B)/.exec(line)
    if (size) {
      files += 1
      megabytes += Number(size[1]) * (bytesPer[size[2]!] ?? 0) * 1e-6
    }
    if (line.startsWith('[ERROR]')) errors.push(line)
    if (Date.now() - saidAt >= 3000) {
      saidAt = Date.now()
      progress(`  … ${report()}`)
    }
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', cause =>
      reject(new Error('Maven cannot be run (mvn); install it, e.g. apt-get install maven', { cause })),
    )
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`Maven failed with code ${code}:\n${errors.slice(0, 5).join('\n')}`)
  progress(files ? `  fetched ${report()}` : `  already in Maven's local repository`)
}

/** Maven counts in powers of ten (its ProgressTransferListener). */
const bytesPer: Readonly<Record<string, number>> = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 }
