// The pane's tests of the rule, each with its result.

import { el, fill, mark } from "./dom.js";

/** Shows the tests; `jump(line)` goes to one, `eventPage` is where the chosen event can be saved as a test. */
export function showTests(panel, tests, jump, eventPage) {
  const rows = (tests ?? []).map((test) =>
    el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "ed-row", onclick: () => jump(test.line, test.column) },
        mark(test.ok ? "good" : "bad", test.ok ? "passes" : "fails"),
        ` ${test.name}`,
      ),
      test.message ? el("pre", { class: "ed-why" }, test.message) : null,
    ),
  );
  const none = el("p", { class: "ed-none-yet" }, "This rule has no tests yet. Write them under ", el("code", {}, "tests:"), ", or save a stored event as one.");
  const save = el("p", {}, el("a", { class: "button button-small", href: eventPage }, "Save this event as a test"));
  fill(panel, rows.length ? el("ul", { class: "ed-rows" }, rows) : none, eventPage ? save : null);
}

/** What the tab says: `3` or `1 fails`. */
export function testsTold(tests) {
  const failing = (tests ?? []).filter((test) => !test.ok).length;
  if (failing) return [`${failing} ${failing === 1 ? "fails" : "fail"}`, "ed-bad"];
  return tests?.length ? [String(tests.length), "ed-good"] : ["", ""];
}
