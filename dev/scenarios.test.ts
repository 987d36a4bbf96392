import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** The rows of docs/scenarios.md: | number | scenario | shown by |. */
const rows = readFileSync('docs/scenarios.md', 'utf8')
  .split('\n')
  .flatMap(line => {
    const found = /^\| (?<number>\d+) \| (?<scenario>.+?) \| (?<shown>.+) \|$/.exec(line)?.groups
    return found ? [{ number: Number(found['number']), shown: found['shown']! }] : []
  })

it('numbers its scenarios upwards, each once', () => {
  expect(rows.length).toBeGreaterThan(40)
  const numbers = rows.map(({ number }) => number)
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
})

it.each(rows)('scenario $number is shown by tests that are there under these words, or does not apply', ({ shown }) => {
  const named = [...shown.matchAll(/`(?<file>[^`]+\.test\.ts)`(?<words>[^`;]*)/g)]
  if (!shown.startsWith('does not apply: ')) expect(named, shown).not.toEqual([])
  for (const { groups } of named) {
    const file = groups!['file']!
    expect(existsSync(file), file).toBe(true)
    const text = readFileSync(file, 'utf8')
    const titles = [...groups!['words']!.matchAll(/"(?<title>[^"]+)"/g)].map(it => it.groups!['title']!)
    for (const title of titles) expect(text.includes(title), `${file}: "${title}"`).toBe(true)
  }
})
