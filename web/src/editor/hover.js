// What is said of a word that a pointer rests on.

import { hoverTooltip } from "@codemirror/view";

import { keyInfo } from "./complete.js";
import { el, shortened, told } from "./dom.js";
import { lookUp } from "./paths.js";
import { keyAt } from "./place.js";
import { keysAt, valuesAt } from "./schema.js";

const PATH = /(?:event|trigger)(?:\.[\w-]+|\["[^"]*"\])+/g;

/** Tooltips of keys by the schema, of values by their list, of paths by the chosen event. */
export function hovers(known) {
  return hoverTooltip((view, position) => {
    const found = ofPath(view, position, known()) ?? ofKey(view, position, known());
    if (!found) return null;
    const { from, to, dom } = found;
    return { pos: from, end: to, above: true, create: () => ({ dom: el("div", { class: "ed-hover" }, dom) }) };
  });
}

/** What the chosen event has at a path. */
function ofPath(view, position, { event, trigger }) {
  const line = view.state.doc.lineAt(position);
  for (const found of line.text.matchAll(PATH)) {
    const from = line.from + found.index;
    const to = from + found[0].length;
    if (position < from || position > to || event === undefined) continue;
    const value = lookUp({ event, trigger }, found[0]);
    const text = value === undefined ? "nothing in the chosen event" : shortened(told(value), 400);
    return { from, to, dom: el("div", { class: "ed-info" }, el("strong", {}, found[0]), el("p", { class: "ed-facts" }, text)) };
  }
  return null;
}

function ofKey(view, position, { schema }) {
  const at = schema ? keyAt(view.state, position) : null;
  if (!at) return null;
  if (at.isKey) {
    const key = keysAt(schema, at.path.slice(0, -1)).find((one) => one.name === at.word);
    return key ? { ...at, dom: keyInfo(key, schema) } : null;
  }
  const value = valuesAt(schema, at.path).find((one) => String(one.value) === at.word);
  if (!value?.description) return null;
  return { ...at, dom: el("div", { class: "ed-info" }, el("strong", {}, at.word), el("p", {}, value.description)) };
}
