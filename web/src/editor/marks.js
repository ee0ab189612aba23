// What the server said, at its place in the text: findings underlined, verdicts at the ends of lines.

import { setDiagnostics } from "@codemirror/lint";
import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";

import { el, shortened, told } from "./dom.js";

/** Where the page of a code is. */
export const codePage = (code) => `/rules/codes/${encodeURIComponent(code)}`;

/** The position of a line and column, both from 1 and in characters as the server counts them. */
export function positionOf(doc, line, column) {
  const at = doc.line(Math.min(Math.max(line || 1, 1), doc.lines));
  const before = Array.from(at.text).slice(0, Math.max((column || 1) - 1, 0)).join("");
  return at.from + Math.min(before.length, at.length);
}

/** Underlines the findings that are of this file. */
export function showFindings(view, path, findings) {
  const own = findings.filter((finding) => !finding.file || finding.file === path);
  view.dispatch(setDiagnostics(view.state, own.map((finding) => diagnostic(view.state.doc, finding))));
}

function diagnostic(doc, finding) {
  const from = positionOf(doc, finding.line, finding.column);
  const line = doc.lineAt(from);
  const given = finding.end_column ? positionOf(doc, finding.line, finding.end_column) : 0;
  const word = /^(?:"[^"]*"|'[^']*'|[^\s,:{}[\]]+)/.exec(doc.sliceString(from, line.to))?.[0].length ?? 0;
  const to = Math.min(given > from ? given : from + Math.max(word, 1), Math.max(line.to, from));
  const severity = finding.severity === "error" ? "error" : "warning";
  return { from, to, severity, message: sentence(finding), source: finding.code, renderMessage: () => explained(finding) };
}

function sentence(finding) {
  return [finding.code, finding.message, finding.help].filter(Boolean).join(" — ");
}

/** A finding in words, with the way out and the page of its code. */
export function explained(finding) {
  return el(
    "span",
    { class: "ed-finding" },
    finding.message,
    finding.help ? el("span", { class: "ed-way" }, ` ${finding.help}`) : null,
    " ",
    finding.code ? el("a", { href: codePage(finding.code), target: "_blank", rel: "noopener" }, `What ${finding.code} means`) : null,
  );
}

const VERDICTS = {
  pass: { kind: "good", word: "holds" },
  fail: { kind: "bad", word: "does not hold" },
  error: { kind: "warn", word: "error" },
};

/** How the words of a verdict are shown: its mark and what it says. */
export function verdictOf(condition) {
  return VERDICTS[condition.verdict] ?? { kind: "none", word: "not asked" };
}

class Verdict extends WidgetType {
  constructor(conditions) {
    super();
    this.conditions = conditions;
    this.key = JSON.stringify(conditions);
  }

  eq(other) {
    return other.key === this.key;
  }

  toDOM() {
    return el("span", { class: "ed-ends" }, this.conditions.map((condition) => lineEnd(condition)));
  }

  ignoreEvent() {
    return true;
  }
}

function lineEnd(condition) {
  const { kind, word } = verdictOf(condition);
  const seen = kind === "good" || kind === "none" || !condition.path ? "" : `, saw ${shortened(told(condition.seen), 40)}`;
  const signs = { good: "✓", bad: "✗", warn: "!", none: "–" };
  return el("span", { class: `ed-end ed-${kind}` }, `${signs[kind]} ${word}${seen}`);
}

const setVerdicts = StateEffect.define();

/** The verdicts at the ends of lines. */
export const verdicts = StateField.define({
  create: () => Decoration.none,
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(setVerdicts)) return effect.value;
    return shown.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Shows what each condition said at the end of its line. */
export function showVerdicts(view, conditions) {
  const lines = new Map();
  for (const condition of conditions) {
    if (!condition.line || condition.line > view.state.doc.lines || (condition.group && !condition.decisive)) continue;
    lines.set(condition.line, [...(lines.get(condition.line) ?? []), condition]);
  }
  const ends = [...lines].sort(([a], [b]) => a - b);
  const widgets = ends.map(([line, all]) => Decoration.widget({ widget: new Verdict(all), side: 1 }).range(view.state.doc.line(line).to));
  view.dispatch({ effects: setVerdicts.of(Decoration.set(widgets)) });
}
