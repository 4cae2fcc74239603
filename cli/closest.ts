/** The known word that is most like the given one, or null when none is near: at most two changes, a third of its length. */
export function closest(word: string, known: readonly string[]): string | null {
  const limit = Math.min(2, Math.ceil(word.length / 3));
  const near = known
    .filter(other => Math.abs(other.length - word.length) <= limit)
    .map(other => ({ other, changes: changes(word, other) }))
    .filter(candidate => candidate.changes <= limit)
    .sort((a, b) => a.changes - b.changes);
  return near[0]?.other ?? null;
}

/** Letters to insert, remove or replace (Levenshtein), two swapped neighbours being one change. */
function changes(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const isSwapped = j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
