// The pane's event: a tree of its values. A click on one puts its path at the cursor.

import { el, fill, shortened, told } from "./dom.js";
import { joined } from "./paths.js";

/** Levels that stand open, and entries that are shown at once. */
const OPEN = 2;
const MOST = 200;

/** Shows an event and where it came from; `insert(path)` is told which value was clicked. */
export function showTree(panel, seen, insert) {
  if (!seen) return fill(panel, el("p", { class: "ed-none-yet" }, "Choose an event to see what is in it."));
  const hint = insert ? "Click a value to write its path at the cursor." : "Each value with its path.";
  return fill(
    panel,
    el("p", { class: "ed-quiet" }, `${seen.type}. ${hint}`),
    el("ul", { class: "ed-tree" }, entry("event", "event", seen.event, 0, insert), entry("trigger", "trigger", seen.trigger, OPEN, insert)),
  );
}

function entry(name, path, value, depth, insert) {
  if (value === null || typeof value !== "object") return leaf(name, path, value, insert);
  const steps = Array.isArray(value) ? value.map((one, at) => [at, one]) : Object.entries(value);
  if (!steps.length) return leaf(name, path, value, insert);
  const sign = Array.isArray(value) ? `[${steps.length}]` : `{${steps.length}}`;
  const details = el("details", {}, el("summary", {}, el("code", {}, name), el("span", { class: "ed-quiet" }, ` ${sign}`)));
  const grow = () => {
    if (!details.open || details.querySelector("ul")) return;
    details.append(children(steps, path, depth, insert));
  };
  details.addEventListener("toggle", grow);
  details.open = depth < OPEN;
  grow();
  return el("li", {}, details);
}

function children(steps, path, depth, insert) {
  const rows = steps.slice(0, MOST).map(([step, one]) => entry(String(step), joined(path, step), one, depth + 1, insert));
  const more = steps.length > MOST ? el("li", { class: "ed-quiet" }, `… and ${steps.length - MOST} more`) : null;
  return el("ul", {}, rows, more);
}

function leaf(name, path, value, insert) {
  const shown = [el("code", {}, name), ": ", el("span", { class: `ed-value ed-${value === null ? "null" : typeof value}` }, shortened(told(value), 300))];
  if (!insert) return el("li", {}, el("span", { class: "ed-leaf", title: path }, shown));
  return el("li", {}, el("button", { type: "button", class: "ed-leaf", title: `Write ${path}`, onclick: () => insert(path) }, shown));
}
