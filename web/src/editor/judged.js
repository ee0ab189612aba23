// What the pane says of a text: its verdicts, requests and tests. A text with errors has none; those of the text before it stay, marked so.

import { showConditions, tallied } from "./conditions.js";
import { counted, el, fill } from "./dom.js";
import { requestsTold, showRequests } from "./requests.js";
import { showTests, testsTold } from "./tests.js";

const panel = (id) => document.getElementById(`ed-panel-${id}`);

/** A pane: `show(answer, eventPage)` shows an answer of the server, `forget()` what was said of another event. `go` leads to a place of the text. */
export function makeJudged(tabs, go) {
  let last = null;

  function show(answer, eventPage) {
    const errors = (answer.findings ?? []).filter((finding) => finding.severity === "error").length;
    if (errors > 0 && !answer.explain) return old(errors, eventPage);
    last = answer;
    draw(last, panel("conditions"), panel("requests"), panel("tests"), eventPage);
    tabs.count("ed-tab-conditions", ...tallied(answer.explain));
    tabs.count("ed-tab-requests", requestsTold(answer.dry));
    tabs.count("ed-tab-tests", ...testsTold(answer.tests));
    return undefined;
  }

  function old(errors, eventPage) {
    const kept = ["verdicts", "requests", "tests"].map(() => el("div", { class: "ed-old" }));
    if (last) draw(last, ...kept, eventPage);
    fill(panel("conditions"), mend(errors, "verdicts"), kept[0]);
    fill(panel("requests"), mend(errors, "requests"), kept[1]);
    fill(panel("tests"), mend(errors, "tests"), kept[2]);
    for (const id of ["conditions", "requests", "tests"]) tabs.count(`ed-tab-${id}`, "");
  }

  function draw({ explain, notes, dry, tests }, conditions, requests, suite, eventPage) {
    showConditions(conditions, explain, notes ?? [], go);
    showRequests(requests, dry);
    showTests(suite, tests, go, eventPage);
  }

  function mend(errors, what) {
    const find = () => tabs.open("ed-tab-findings");
    const way = el("button", { type: "button", class: "button-link", onclick: find }, `Mend ${counted(errors, "error")}`);
    return el("p", { class: "ed-stale" }, way, ` to see ${what}${last ? " again. These are of the text before." : "."}`);
  }

  return { show, forget: () => (last = null) };
}
