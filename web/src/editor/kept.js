// Texts that are not saved, kept in this browser: a reload or a crash loses nothing.

const PREFIX = "bellwire.draft";
/** The oldest that is offered, in milliseconds: two weeks. */
const OLDEST = 14 * 24 * 3600 * 1000;

/** The drafts of one person and file. */
export function makeKept(person, path) {
  const start = `${PREFIX}:${person}:${path}:`;

  function keep(base, text, baseText) {
    try {
      localStorage.setItem(start + base, JSON.stringify({ text, baseText, at: Date.now() }));
      return true;
    } catch {
      return false;
    }
  }

  function drop(base) {
    try {
      localStorage.removeItem(start + base);
    } catch {
      // A browser that keeps nothing has nothing to drop.
    }
  }

  /** The newest draft that is not `text`. Null where there is none. Old ones go. */
  function newest(text) {
    const all = read(start).filter((draft) => {
      const isOver = draft.text === text || Date.now() - draft.at > OLDEST;
      if (isOver) drop(draft.base);
      return !isOver;
    });
    return all.sort((a, b) => b.at - a.at)[0] ?? null;
  }

  return { keep, drop, newest };
}

function read(start) {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(start));
    return names.flatMap((name) => {
      const draft = JSON.parse(localStorage.getItem(name) ?? "null");
      return typeof draft?.text === "string" ? [{ ...draft, base: name.slice(start.length) }] : [];
    });
  } catch {
    return [];
  }
}
