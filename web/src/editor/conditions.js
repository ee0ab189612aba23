// The pane's conditions: what each said to the chosen event, and the value it saw.

import { el, fill, mark, told } from "./dom.js";
import { verdictOf } from "./marks.js";

const WHOLE = {
  matched: ["good", "The rule matches this event."],
  not_matched: ["bad", "The rule does not match this event."],
  error: ["warn", "The conditions could not be evaluated."],
  undecided: ["none", "It was not decided in the time that an event may take."],
  not_listening: ["none", "The rule does not listen to events of this type."],
};

const NONE = "Choose an event that the rule listens to. Each condition then says whether it holds, and which value it saw.";

/** Shows the conditions; `jump(line, column)` goes to one. `notes` say what could not be tried. */
export function showConditions(panel, explain, notes, jump) {
  const said = notes.map((note) => el("p", { class: "ed-warn" }, note));
  if (!explain) return fill(panel, said, said.length ? null : el("p", { class: "ed-none-yet" }, NONE));
  const verdict = explain.hears === false ? "not_listening" : explain.verdict;
  const [kind, sentence] = WHOLE[verdict] ?? ["none", verdict];
  const faults = (explain.faults ?? []).map((fault) => el("p", { class: "ed-warn" }, fault));
  const conditions = explain.conditions ?? [];
  const rows = conditions.map((condition) => row(condition, jump));
  const none = el("p", {}, "It has no conditions: every event of its type starts it.");
  fill(
    panel,
    el("p", { class: "ed-verdict" }, mark(kind, sentence), explain.message ? ` ${explain.message}` : null),
    said,
    faults,
    rows.length ? el("ol", { class: "ed-rows" }, rows) : none,
  );
  return undefined;
}

function row(condition, jump) {
  const { kind, word } = verdictOf(condition);
  const depth = Math.min(Number(condition.depth) || 0, 6);
  const go = () => jump(condition.line, condition.column);
  return el(
    "li",
    { class: `ed-depth-${depth}` },
    el("button", { type: "button", class: "ed-row", onclick: go }, mark(kind, word), " ", wanted(condition)),
    condition.path ? el("div", { class: "ed-seen" }, "saw ", el("code", {}, told(condition.seen))) : null,
    condition.note ? el("div", { class: "ed-seen" }, condition.note) : null,
  );
}

function wanted(condition) {
  if (!condition.path) return el("code", {}, groupName(condition.group));
  return el("code", {}, `${condition.path} ${condition.operator} ${told(condition.wanted)}`);
}

function groupName(group) {
  return { all: "all of these", any: "any of these", not: "not this" }[group] ?? group ?? "";
}

/** How many of the conditions hold, for the tab: `2/3` and its colour. */
export function tallied(explain) {
  const tests = (explain?.conditions ?? []).filter((condition) => condition.path);
  if (!tests.length) return ["", ""];
  const good = tests.filter((condition) => verdictOf(condition).kind === "good").length;
  return [`${good}/${tests.length}`, good === tests.length ? "ed-good" : "ed-bad"];
}
