import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { allFaults } from './faults/rows/all.ts'

/** The rows of a page's tables, | number | … | shown by |. */
const rowsOf = (page: string) =>
  readFileSync(page, 'utf8')
    .split('\n')
    .flatMap(line => {
      const found = /^\| (?<number>\d+) \| .+ \| (?<shown>[^|]+) \|$/.exec(line)?.groups
      return found ? [{ page, number: Number(found['number']), shown: found['shown']! }] : []
    })
const pages = ['docs/scenarios.md', 'docs/protocol.md', 'docs/crash-table.md'].map(page => ({
  page,
  rows: rowsOf(page),
}))

it.each(pages)('$page numbers its rows upwards, each once', ({ rows }) => {
  expect(rows.length).toBeGreaterThan(15)
  const numbers = rows.map(({ number }) => number)
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
})

it.each(pages.flatMap(({ rows }) => rows))(
  'row $number of $page is shown by tests that are there under these words, or by faults of the campaign, or does not apply',
  ({ shown }) => {
    const named = [...shown.matchAll(/`(?<file>[^`]+\.(?:test|contract)\.ts)`(?<words>[^`;]*)/g)]
    const struck = [...(/fault (?<names>.*)/.exec(shown)?.groups?.['names'] ?? '').matchAll(/`(?<name>[a-z0-9-]+)`/g)]
    if (!shown.startsWith('does not apply: ')) expect([...named, ...struck], shown).not.toEqual([])
    for (const { groups } of struck) expect(allFaults.map(({ name }) => name)).toContain(groups!['name'])
    for (const { groups } of named) {
      const file = groups!['file']!
      expect(existsSync(file), file).toBe(true)
      const text = readFileSync(file, 'utf8')
      const titles = [...groups!['words']!.matchAll(/"(?<title>[^"]+)"/g)].map(it => it.groups!['title']!)
      for (const title of titles) expect(text.includes(title), `${file}: "${title}"`).toBe(true)
    }
  },
)
