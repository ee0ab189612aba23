// Where in a rule a position is: the keys and items that lead to it, and what may be written there.

import { syntaxTree } from "@codemirror/language";

/** A key at the start of a text: plain or in quotes, with the colon behind it. */
const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"[\]{},&*!|>%@`][^#]*?)[ \t]*:(?=[ \t]|$)/;
const SCALARS = new Set(["QuotedLiteral", "BlockLiteral", "BlockLiteralContent", "Comment"]);
const FLOWS = new Set(["FlowMapping", "FlowSequence"]);

/** A key as it is called, without its quotes. */
export function plain(key) {
  const written = key.trim();
  if (written.startsWith('"')) {
    try {
      return JSON.parse(written);
    } catch {
      return written.slice(1, -1);
    }
  }
  return written.startsWith("'") ? written.slice(1, -1).replaceAll("''", "'") : written;
}

/** The entries that a line opens: each dash and each key, with its column, and where the rest begins. */
export function entries(line) {
  const found = [];
  let at = line.length - line.trimStart().length;
  for (;;) {
    const rest = line.slice(at);
    const dash = /^-(?:[ \t]+|$)/.exec(rest);
    if (dash) {
      found.push({ at, step: 0 });
      at += dash[0].length;
      continue;
    }
    const key = KEY.exec(rest);
    if (key) {
      found.push({ at, step: plain(key[1]), end: at + key[0].length });
      at += key[0].length;
    }
    return { found, at: line.length - line.slice(at).trimStart().length };
  }
}

/** The steps that lead to what stands at this column of a line: from the lines above, by their indentation. */
function above(doc, number, column, isItem) {
  const path = [];
  let limit = column;
  let item = isItem;
  for (let at = number - 1; at >= 1 && (limit > 0 || item); at -= 1) {
    const line = doc.line(at).text;
    if (!line.trim() || line.trimStart().startsWith("#")) continue;
    for (const entry of entries(line).found.reverse()) {
      // The items of a list may stand as far left as the key that holds them.
      const holds = entry.at < limit || (item && entry.step !== 0 && entry.at === limit);
      if (!holds) continue;
      path.unshift(entry.step);
      limit = entry.at;
      item = entry.step === 0;
    }
  }
  return path;
}

/** The place of a position outside of brackets. */
function inBlock(doc, position) {
  const line = doc.lineAt(position);
  const column = position - line.from;
  const { found, at } = entries(line.text);
  const open = found.filter((entry) => entry.at < column && (entry.end === undefined || entry.end < column));
  const key = open.find((entry) => entry.end !== undefined);
  const first = found[0]?.at ?? Math.min(at, column);
  const lead = above(doc, line.number, Math.min(first, column), found[0]?.step === 0 && found[0].at < column);
  const path = [...lead, ...open.map((entry) => entry.step)];
  const last = open.at(-1);
  const from = line.from + Math.min(column, last ? Math.max(last.end ?? 0, lineRest(line.text, last)) : first);
  return { path, from, isValue: Boolean(key), indent: from - line.from };
}

/** Where what follows an entry begins. */
function lineRest(line, entry) {
  const after = entry.end ?? entry.at + 1;
  return line.length - line.slice(after).trimStart().length;
}

/** The outermost brackets around a position. Null where there are none. */
function outermost(node) {
  let found = null;
  for (let at = node; at; at = at.parent) if (FLOWS.has(at.name)) found = at;
  return found;
}

/** The place of a position in brackets: what leads to the brackets, and what is in them up to it. */
function inFlow(doc, outer, position) {
  const start = inBlock(doc, outer.from);
  const text = doc.sliceString(outer.from, position);
  const levels = [];
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    const level = levels.at(-1);
    if (sign === '"' || sign === "'") {
      const end = text.indexOf(sign, at + 1);
      if (end < 0) break;
      at = end;
    } else if (sign === "{" || sign === "[") {
      levels.push({ isMap: sign === "{", key: null });
      from = at + 1;
    } else if (sign === "}" || sign === "]") {
      levels.pop();
      from = at + 1;
    } else if (sign === "," && level) {
      level.key = null;
      from = at + 1;
    } else if (sign === ":" && level?.isMap && level.key === null && /[\s"'[{]|$/.test(text[at + 1] ?? "")) {
      level.key = plain(text.slice(from, at));
      from = at + 1;
    }
  }
  const steps = levels.flatMap((level) => (level.isMap ? (level.key === null ? [] : [level.key]) : [0]));
  while (/\s/.test(text[from] ?? "") && from < text.length) from += 1;
  const level = levels.at(-1);
  return {
    path: [...start.path, ...steps],
    from: outer.from + from,
    isValue: !level?.isMap || level.key !== null,
    isFlow: true,
    indent: 0,
  };
}

/**
 * The place of a position: `path` leads to the map or value that is being written, `from` is where the word begins, `isValue` is
 * true behind `key: `, and `isText` inside quotes, a block of text or a comment, where no keys are.
 */
export function placeAt(state, position) {
  const node = syntaxTree(state).resolveInner(position, -1);
  let scalar = null;
  for (let at = node; at && !scalar; at = at.parent) if (SCALARS.has(at.name)) scalar = at;
  const isText = Boolean(scalar) && (scalar.name !== "QuotedLiteral" || position < scalar.to);
  const outer = outermost(node);
  const isInside = outer && position > outer.from && (position < outer.to || !/[}\]]/.test(state.sliceDoc(outer.to - 1, outer.to)));
  const place = isInside ? inFlow(state.doc, outer, position) : inBlock(state.doc, position);
  return { ...place, isText, isComment: scalar?.name === "Comment" };
}

/** The keys that a map has beside this position, so that they are not offered again. */
export function siblings(state, position) {
  const around = new Set();
  let node = syntaxTree(state).resolveInner(position, -1);
  while (node && node.name !== "BlockMapping" && node.name !== "FlowMapping") node = node.parent;
  if (!node) return around;
  for (let child = node.firstChild; child; child = child.nextSibling) {
    const key = child.name === "Pair" ? child.getChild("Key") : null;
    if (key && !(key.from <= position && position <= key.to)) around.add(plain(state.sliceDoc(key.from, key.to)));
  }
  return around;
}

/** Where the word that a pointer is on begins and ends, and the steps that lead to it. Null for blanks. */
export function keyAt(state, position) {
  let node = syntaxTree(state).resolveInner(position, 1);
  while (node && !["Key", "Literal", "QuotedLiteral"].includes(node.name)) node = node.parent;
  if (!node) return null;
  const key = node.parent?.name === "Key" ? node.parent : node;
  const place = placeAt(state, key.from);
  const word = plain(state.sliceDoc(key.from, key.to));
  const isKey = key.name === "Key";
  return { from: key.from, to: key.to, word, isKey, path: isKey ? [...place.path, word] : place.path };
}

/** The ids of steps and the names of vars that a rule has, in order. */
export function namesIn(text) {
  const ids = [...text.matchAll(/^\s*(?:- +)?id:[ \t]*([a-z][a-z0-9_]*)/gm)].map((found) => found[1]);
  const block = /^vars:[ \t]*(?:#.*)?\n((?:[ \t]+.*\n?|[ \t]*\n)*)/m.exec(text);
  const vars = block ? [...block[1].matchAll(/^ {2}([A-Za-z_][\w]*):/gm)].map((found) => found[1]) : [];
  return { ids: [...new Set(ids)], vars: [...new Set(vars)] };
}

/** The event types that a rule listens to, as far as its text says. */
export function typesIn(text) {
  const line = /^on:[ \t]*(.*)$/m.exec(text);
  if (!line) return [];
  const block = line[1].trim() && !line[1].trim().startsWith("#") ? line[1] : text.slice(line.index).split(/\n(?=\S)/)[0];
  return [...new Set(block.match(/[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*/g) ?? [])];
}
