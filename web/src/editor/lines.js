// Which lines of one text are not in another, in order.

/** Texts with more lines than this are not compared. */
const MOST = 4000;

/** For each line of `text`, whether it is not one of the lines that it has in common with `base`. */
export function changedLines(base, text) {
  const old = base.split("\n");
  const now = text.split("\n");
  const changed = now.map(() => true);
  if (old.length > MOST || now.length > MOST) return changed.fill(false);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) changed[start++] = false;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) {
    changed[now.length - 1 - end] = false;
    end += 1;
  }
  for (const at of common(old.slice(start, old.length - end), now.slice(start, now.length - end))) changed[start + at] = false;
  return changed;
}

/** The places in `now` of the longest run of lines that both have in this order. */
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
      found.push(j);
      i += 1;
      j += 1;
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return found;
}
