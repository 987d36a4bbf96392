import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { s3Answers } from '../probes.ts'
import { s3Keys, versions } from '../versions.ts'
import { java, javaFlags, type JavaOptions } from './java.ts'
import type { ServicePlan } from './plan.ts'

/** S3Proxy over a folder of files. One port. */
export function s3Plan(artifact: string, options: Omit<JavaOptions, 'heapMax'>): ServicePlan {
  return {
    name: 's3',
    portCount: 1,
    prepare([port], { folder }) {
      const data = join(folder, 'data')
      mkdirSync(data)
      const configuration = join(folder, 's3proxy.properties')
      writeFileSync(configuration, s3proxyProperties(data, port!))
      const directives = join(folder, 'compiler.json')
      writeFileSync(directives, JSON.stringify(onlyDigests))
      const jar = join(artifact, `s3proxy-${versions.s3proxy}-jar-with-dependencies.jar`)
      return {
        command: java,
        args: [
          ...javaFlags({ ...options, heapMax: '512m', secondCompiler: directives }),
          ...['-jar', jar, '--properties', configuration],
        ],
        stopSignal: 'SIGTERM',
      }
    },
    answers: ([port]) => s3Answers(`http://127.0.0.1:${port}`),
  }
}

/** What the second compiler may compile. To compile the rest of a program that runs for minutes was a quarter of the store's work. */
const onlyDigests = [
  { match: 'sun/security/provider/*.*', c2: { Exclude: false } },
  { match: '*.*', c2: { Exclude: true } },
]

const s3proxyProperties = (data: string, port: number) => `
s3proxy.authorization=aws-v2-or-v4
s3proxy.endpoint=http://127.0.0.1:${port}
s3proxy.identity=${s3Keys.accessKeyId}
s3proxy.credential=${s3Keys.secretAccessKey}
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=${data}
`
