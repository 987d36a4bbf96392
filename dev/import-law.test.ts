import { ESLint } from 'eslint'
import { beforeAll, describe, expect, it } from 'vitest'
import ts from 'typescript-eslint'

/** The real configuration, without the rules that need types: they are not in question, and take half a minute. */
let eslint: ESLint
beforeAll(() => {
  eslint = new ESLint({ overrideConfig: ts.configs.disableTypeChecked as never })
})

/** What the law says against a file of this content at this path. */
async function objections(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath })
  return result!.messages
    .filter(({ ruleId, fatal }) => fatal || ruleId?.startsWith('no-restricted-'))
    .map(({ message }) => message)
}
const importing = (...modules: readonly string[]) => modules.map(name => `import '${name}'\n`).join('')
const using = (names: string, module: string) => `import { ${names} } from '${module}'\nexport { ${names} }\n`

const pure = /only topology and schemas/
const outside = /pure functions only/
const synchronous = /synchronous/
const client = /Only streams\/kafka knows the Kafka client/
const moves = /streams moves/
const lands = /sinks lands/
const alone = /knows no other sink/
const looks = /pipeline looks/
const commit = /inside the commit boundary/
const example = /stands alone/

describe('the import law forbids', () => {
  it.each<readonly [file: string, code: string, why: RegExp]>([
    ['topology/x.ts', importing('pg'), pure],
    ['topology/x.ts', importing('node:fs'), pure],
    ['topology/x.ts', importing('fs'), pure],
    ['topology/x.ts', importing('rxjs'), pure],
    ['topology/x.ts', "import type { Pool } from 'pg'\nexport type X = Pool\n", pure],
    ['topology/window/x.ts', importing('../../streams/log.ts'), pure],
    ['topology/x.ts', importing('../sinks/effect.ts'), pure],
    ['topology/x.ts', 'export const now = () => Date.now()\n', outside],
    ['topology/x.ts', 'export const now = () => new Date()\n', outside],
    ['topology/x.ts', 'export const now = () => globalThis.Date.now()\n', outside],
    ['topology/x.ts', 'export const later = (f: () => void) => setTimeout(f, 1)\n', outside],
    ['topology/x.ts', 'export const mode = process.env.MODE\n', outside],
    ['topology/x.ts', 'export const random = () => Math.random()\n', /A step is pure/],
    ['topology/x.ts', 'export async function f() {}\n', synchronous],
    ['topology/x.ts', 'export const f = async () => {}\n', synchronous],
    ['topology/x.ts', "export const fs = () => import('node:fs')\n", synchronous],
    ['schemas/x.ts', importing('../topology/prompt.ts'), /below everything/],
    ['streams/x.ts', importing('../sinks/effect.ts'), moves],
    ['streams/kafka/x.ts', importing('../../sinks/postgres/pool.ts'), moves],
    ['streams/operators/x.ts', importing('../../pipeline/worker/worker.ts'), moves],
    ['streams/task/x.ts', importing('../../ops/pp.ts'), moves],
    ['streams/x.ts', importing('kafkajs'), client],
    ['streams/task/x.ts', importing('kafkajs'), client],
    ['streams/main/x.ts', importing('kafkajs'), client],
    ['ops/x.ts', importing('kafkajs/src/index.js'), client],
    ['sinks/x.ts', importing('kafkajs'), client],
    ['sinks/publish/x.ts', importing('kafkajs'), client],
    ['pipeline/x.ts', importing('kafkajs'), client],
    ['sinks/x.ts', importing('../streams/log.ts'), lands],
    ['sinks/postgres/x.ts', importing('../../streams/log.ts'), lands],
    ['sinks/associate/x.ts', importing('../../pipeline/images/image.ts'), lands],
    ['sinks/associate/x.ts', importing('../publish/pack.ts'), alone],
    ['sinks/publish/x.ts', importing('../ledger/leases.ts'), alone],
    ['sinks/postgres/x.ts', importing('../associate/rows.ts'), alone],
    ['pipeline/images/x.ts', importing('../../streams/log.ts'), looks],
    ['pipeline/worker/x.ts', importing('../../sinks/objects/s3.ts'), looks],
    ['examples/alert-stream/x.ts', importing('../../schemas/codec.ts'), example],
    ['streams/operators/x.ts', using('mergeMap', 'rxjs'), commit],
    ['streams/operators/x.ts', using('delay', 'rxjs/operators'), commit],
    ['streams/task/x.ts', using('interval', 'rxjs'), commit],
    ['streams/task/x.ts', using('map, debounceTime', 'rxjs'), commit],
  ])('%s: %j', async (file, code, why) => {
    expect(await objections(file, code)).toEqual([expect.stringMatching(why)])
  })
})

describe('the import law allows', () => {
  it.each<readonly [file: string, code: string]>([
    ['topology/x.ts', importing('./prompt.ts', '../schemas/avro/generated.ts')],
    ['topology/x.test.ts', importing('vitest', 'fast-check')],
    ['topology/testing/x.ts', importing('node:fs')],
    ['streams/x.ts', importing('rxjs', 'pino', 'node:fs', '../topology/prompt.ts', '../schemas/codec.ts')],
    ['streams/kafka/x.ts', importing('kafkajs', 'kafkajs-snappy', '../log-client.ts')],
    ['streams/operators/x.ts', using('map, filter, concat', 'rxjs')],
    ['streams/run.contract.ts', importing('../sinks/effect.ts')],
    ['streams/main/x.ts', importing('../../sinks/effect.ts', '../../pipeline/worker/worker.ts', '../task/task.ts')],
    ['sinks/associate/x.ts', importing('../postgres/pool.ts', '../effect.ts', './rows.ts', 'pg')],
    ['pipeline/worker/x.ts', importing('../images/image.ts', '../../topology/prompt.ts')],
    ['ops/x.ts', importing('../streams/main/main.ts', '../sinks/postgres/pool.ts')],
    ['dev/x.ts', importing('kafkajs', '../streams/main/main.ts')],
    ['examples/alert-stream/x.ts', importing('kafkajs', 'avsc', 'node:fs')],
    ['examples/alert-stream/testing/x.ts', importing('../../../schemas/codec.ts')],
  ])('%s: %j', async (file, code) => {
    expect(await objections(file, code)).toEqual([])
  })
})
