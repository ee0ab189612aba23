// Texts that are not saved, kept in this browser: a reload or a crash loses nothing.

const PREFIX = "bellwire.draft";
/** The oldest that is offered, in milliseconds: two weeks. */
const OLDEST = 14 * 24 * 3600 * 1000;

/** The drafts of one person and file. Each page has a place of its own, so that two tabs do not overwrite each other's. */
export function makeKept(person, path) {
  const start = `${PREFIX}:${person}:${path}:`;
  const own = `${start}${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;

  /** Keeps the text of this page. False where the browser keeps nothing. */
  function keep(base, text, baseText) {
    try {
      localStorage.setItem(own, JSON.stringify({ base, text, baseText, at: Date.now() }));
      return true;
    } catch {
      return false;
    }
  }

  function forget(name) {
    try {
      localStorage.removeItem(name);
    } catch {
      // A browser that keeps nothing has nothing to forget.
    }
  }

  /** The newest draft of another page that is not `text`. Null where there is none. Old ones go. */
  function newest(text) {
    const drafts = read(start).filter((draft) => draft.name !== own);
    const isOver = (draft) => draft.text === text || Date.now() - draft.at > OLDEST;
    for (const draft of drafts.filter(isOver)) forget(draft.name);
    return drafts.filter((draft) => !isOver(draft)).sort((a, b) => b.at - a.at)[0] ?? null;
  }

  return { keep, drop: () => forget(own), forget, newest };
}

function read(start) {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(start));
    return names.flatMap((name) => {
      const draft = JSON.parse(localStorage.getItem(name) ?? "null");
      return typeof draft?.text === "string" ? [{ ...draft, name }] : [];
    });
  } catch {
    return [];
  }
}
