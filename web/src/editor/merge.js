// Two texts that began with the same one are put together, line by line.

import { matchedLines } from "./lines.js";

/**
 * What both changed in `base`, put together: `{ text }` where no change of theirs touches one of mine, else
 * `{ text: null, conflicts }` with the lines of each place that both changed, `line` being where it begins in mine.
 */
export function merge(base, theirs, mine) {
  const [old, their, own] = [base, theirs, mine].map((text) => text.split("\n"));
  const inTheirs = matchedLines(old, their);
  const inMine = matchedLines(old, own);
  if (!inTheirs || !inMine) return { text: null, conflicts: [] };
  const lines = [];
  const conflicts = [];
  let [i, j, k] = [0, 0, 0];
  // The lines that all three have stand still; what is between two of them is taken from whoever changed it.
  for (const [atOld, atTheirs, atMine] of still(inTheirs, inMine, [old.length, their.length, own.length])) {
    const [was, them, me] = [old.slice(i, atOld), their.slice(j, atTheirs), own.slice(k, atMine)];
    if (isSame(them, was)) lines.push(...me);
    else if (isSame(me, was) || isSame(me, them)) lines.push(...them);
    else conflicts.push({ base: was, theirs: them, mine: me, line: k + 1 });
    if (atOld < old.length) lines.push(old[atOld]);
    [i, j, k] = [atOld + 1, atTheirs + 1, atMine + 1];
  }
  return conflicts.length ? { text: null, conflicts } : { text: lines.join("\n") };
}

/** Where each line that all three have stands in each of them; the ends of all three come last. */
function still(inTheirs, inMine, ends) {
  const mine = new Map(inMine);
  const all = inTheirs.filter(([at]) => mine.has(at)).map(([at, their]) => [at, their, mine.get(at)]);
  return [...all, ends];
}

function isSame(some, others) {
  return some.length === others.length && some.every((line, at) => line === others[at]);
}
