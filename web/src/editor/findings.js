// The pane's findings: those of this file go to their place, those of others name theirs.

import { counted, el, fill, mark } from "./dom.js";
import { explained } from "./marks.js";

/** Shows the findings; `jump(line, column)` goes to one of this file. */
export function showFindingsList(panel, path, findings, jump) {
  if (!findings.length) return fill(panel, el("p", {}, mark("good", "No findings: the rule holds together.")));
  return fill(panel, el("ul", { class: "ed-rows" }, findings.map((finding) => row(finding, path, jump))));
}

function row(finding, path, jump) {
  const isError = finding.severity === "error";
  const isOwn = !finding.file || finding.file === path;
  const place = `${isOwn ? "line " : `${finding.file}:`}${finding.line}:${finding.column}`;
  const head = [mark(isError ? "bad" : "warn", isError ? "error" : "warning"), " ", el("code", {}, `${finding.code} ${place}`)];
  const go = () => jump(finding.line, finding.column);
  return el(
    "li",
    {},
    isOwn ? el("button", { type: "button", class: "ed-row", onclick: go }, head) : el("p", { class: "ed-row-text" }, head),
    el("div", { class: "ed-seen" }, explained(finding)),
  );
}

/** What the tab and the line below the text say. */
export function findingsTold(findings) {
  const errors = findings.filter((finding) => finding.severity === "error").length;
  const warnings = findings.length - errors;
  const words = [errors ? counted(errors, "error") : "", warnings ? counted(warnings, "warning") : ""].filter(Boolean);
  return { text: words.join(", ") || "no findings", kind: errors ? "ed-bad" : warnings ? "ed-warn" : "ed-good" };
}
