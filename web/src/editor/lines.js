// Which lines two texts have in common, in order.

/** Texts with more lines than this are not compared. */
const MOST = 4000;

/** The lines that both have in the same order, as `[place in old, place in now]`. `null`: there are too many to compare. */
export function matchedLines(old, now) {
  if (old.length > MOST || now.length > MOST) return null;
  const pairs = [];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) {
    pairs.push([start, start]);
    start += 1;
  }
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const between = common(old.slice(start, old.length - end), now.slice(start, now.length - end));
  for (const [i, j] of between) pairs.push([start + i, start + j]);
  for (let left = end; left > 0; left -= 1) pairs.push([old.length - left, now.length - left]);
  return pairs;
}

/** For each line of `text`, whether it is not one of the lines that it has in common with `base`. */
export function changedLines(base, text) {
  const now = text.split("\n");
  const pairs = matchedLines(base.split("\n"), now);
  const changed = now.map(() => pairs !== null);
  for (const [, at] of pairs ?? []) changed[at] = false;
  return changed;
}

/** The places in both of the longest run of lines that both have in this order. */
function common(old, now) {
  const width = now.length + 1;
  const longest = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const here = i * width + j;
      longest[here] = old[i] === now[j] ? longest[here + width + 1] + 1 : Math.max(longest[here + width], longest[here + 1]);
    }
  }
  const found = [];
  for (let i = 0, j = 0; i < old.length && j < now.length; ) {
    if (old[i] === now[j]) {
      found.push([i, j]);
      i += 1;
      j += 1;
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return found;
}
