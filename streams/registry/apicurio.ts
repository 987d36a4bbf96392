import { createHash } from 'node:crypto'
import { ALERT_SCHEMA_ID, alertSchemaText, type AlertSubject, alertSubjects } from './alert-subjects.ts'
import { excerpt, type Rest } from './rest.ts'
import { zipOf } from './zip.ts'

const compatible = /\/apis\/ccompat\/v\d+$/

/** Apicurio speaks Confluent's interface under a path of its own, which tells the two apart. */
export const isApicurio = (url: string): boolean => compatible.test(url)

/**
 * Apicurio's Confluent interface takes no id from us, but its native import keeps the ids of an archive (the form that its export gives).
 * Without `requireEmptyRegistry=false` it would refuse a registry in use; what is there already is left as it is.
 * Gives a clause on what it answered, where it did not take the archive.
 */
export async function importIntoApicurio(rest: Rest, archive = alertArchive()): Promise<string | undefined> {
  const url = `${rest.url.replace(compatible, '')}/apis/registry/v3/admin/import?requireEmptyRegistry=false`
  const { status, body } = await rest.upload(url, 'application/zip', zipOf(archive))
  return status < 300 ? undefined : `its import answered ${status} (${excerpt(body)})`
}

/** A schema under an id that is computed and not allotted. */
interface Imported {
  readonly id: number
  readonly schema: string
  readonly subjects: readonly AlertSubject[]
}

/** The archive as files: a manifest, the schema once, and under each subject one version that points to it. */
export function alertArchive(
  { id, schema, subjects }: Imported = { id: ALERT_SCHEMA_ID, schema: alertSchemaText(), subjects: alertSubjects },
): Map<string, string> {
  const hash = createHash('sha256').update(schema).digest('hex')
  const files = new Map<string, string>()
  const put = (path: string, entity: object) => void files.set(path, JSON.stringify(entity))
  const told = { systemVersion: '3.0.9', systemName: 'Prompt Processing', systemDescription: 'Alert schemas' }
  put('manifest-alerts.Manifest.json', {
    ...told,
    exportVersion: '3.0',
    exportedOn: 0,
    exportedBy: '',
    dbVersion: '101',
  })
  const content = { contentId: id, canonicalHash: hash, contentHash: hash, artifactType: null }
  put(`content/${hash}.Content.json`, { ...content, contentType: 'application/json', serializedReferences: null })
  files.set(`content/${hash}.Content.data`, schema)
  subjects.forEach(({ subject, version }, i) => {
    const folder = `groups/default/artifacts/${subject}`
    const common = {
      groupId: null,
      artifactId: subject,
      description: null,
      owner: '',
      createdOn: 0,
      modifiedBy: '',
      modifiedOn: 0,
    }
    const one = { version: String(version), versionOrder: version, state: 'ENABLED', contentId: id }
    put(`${folder}/MetaData.Artifact.json`, { ...common, artifactType: 'AVRO', name: null, labels: null })
    put(`${folder}/versions/${version}.ArtifactVersion.json`, {
      ...common,
      ...one,
      globalId: id + i, // unique per version of a subject; not what a message carries
      name: null,
      labels: null,
    })
    put(`${folder}/branches/latest.Branch.json`, {
      ...common,
      branchId: 'latest',
      systemDefined: true,
      versions: [String(version)],
    })
  })
  return files
}
