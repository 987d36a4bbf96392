const TABLE = /^\*(\w+)\n([^]*?)^COMMIT$/gm

const tablesIn = (saved: string) =>
  [...saved.matchAll(TABLE)].map(([, name, lines]) => ({ name: name!, lines: lines! }))

/**
 * What `iptables-restore` has to read so that the rules are those of `before` again. A table that was not there then, and is `now`, gets
 * no rules and lets all pass, as if it were not there: restoring what was saved would leave it as it is.
 * @param before @param now as `iptables-save` prints them.
 */
export function rulesToRestore(before: string, now: string): string {
  const had = tablesIn(before).map(({ name }) => name)
  const emptied = tablesIn(now)
    .filter(({ name }) => !had.includes(name))
    .map(({ name, lines }) => {
      // A chain of its own has no policy, and goes with the rules.
      const chains = [...lines.matchAll(/^:(\S+) [A-Z]/gm)].map(([, chain]) => `:${chain} ACCEPT\n`)
      return `*${name}\n${chains.join('')}COMMIT\n`
    })
  return [before.replace(/^#.*\n/gm, ''), ...emptied].join('')
}
