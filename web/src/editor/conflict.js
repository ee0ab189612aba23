// The file was changed by someone else meanwhile: the three texts side by side, and a way on that loses none of them.

import { button, openDialog } from "./dialog.js";
import { counted, el, fill } from "./dom.js";
import { changedLines } from "./lines.js";
import { merge } from "./merge.js";

/**
 * Shows the text both began with, theirs and yours. `both(text)` goes on with the two put together, `take()` with theirs, `keep()` with
 * yours in place of theirs; each takes the file as it is now for the new base.
 */
export function openConflict({ message, base, theirs, yours, both, take, keep }) {
  const said = el("p", { class: "ed-said", role: "status" });
  const act = (deed) => async () => {
    fill(said, "");
    try {
      await deed();
      opened.close();
    } catch (error) {
      fill(said, error.message);
    }
  };
  const isThere = theirs !== null && theirs !== undefined;
  const merged = isThere ? merge(base ?? "", theirs, yours) : { text: null, conflicts: [] };
  const isMerged = merged.text !== null;
  const opened = openDialog(
    isThere ? "This file was changed meanwhile" : "This file is gone",
    "ed-wide",
    el("p", {}, message || "Someone saved it after you opened it."),
    el("p", {}, way(isThere, merged), " Nothing is lost: your text is also kept in this browser."),
    isMerged ? null : clashes(merged.conflicts),
    el(
      "div",
      { class: "ed-three" },
      column("What both began with", base, base),
      column("Theirs: the file now", theirs, base),
      column("Yours", yours, base),
    ),
    said,
    el(
      "div",
      { class: "actions" },
      isMerged ? button("Merge both", "button-primary", act(() => both(merged.text))) : null,
      button("Go on editing mine", isMerged ? "" : "button-primary", () => opened.close()),
      isThere ? button("Take theirs", "", act(take)) : null,
      button(isThere ? "Overwrite theirs with mine" : "Make the file anew with mine", "button-danger", act(keep)),
      button("Copy mine", "", () => copy(yours, said)),
    ),
  );
  return opened;
}

/** What can be done, in a sentence or two. */
function way(isThere, { text, conflicts }) {
  if (!isThere) return "There is nothing to put your text together with.";
  if (text !== null) return "Your changes and theirs do not touch each other: both can be put together. You see the result before it is saved.";
  if (!conflicts.length) return "The texts are too long to be put together here.";
  return `Both of you changed the same lines, in ${counted(conflicts.length, "place")}: a person has to choose what holds there.`;
}

/** The places that both changed, with what each made of them. */
function clashes(conflicts) {
  const lines = (tag, all) => (all.length ? all.map((line) => el(tag, {}, line || " ")) : null);
  const places = conflicts.map((one) =>
    el("li", {}, `Line ${one.line} of yours:`, el("div", { class: "diff ed-diff ed-clash" }, titled("Theirs", lines("div", one.theirs)), titled("Yours", lines("div", one.mine)))),
  );
  return places.length ? el("ul", { class: "ed-rows", "aria-label": "Lines that both changed" }, places) : null;
}

function titled(title, lines) {
  return [el("div", { class: "hunk" }, title), lines ?? el("div", {}, "(these lines are taken away)")];
}

function column(title, text, base) {
  const head = el("h3", {}, title);
  if (text === null || text === undefined) return el("section", {}, head, el("p", { class: "ed-quiet" }, "There is no such file."));
  const changed = changedLines(base ?? "", text);
  const lines = text.split("\n").map((line, at) => (changed[at] ? el("mark", {}, `${line}\n`) : `${line}\n`));
  return el("section", {}, head, el("pre", { class: "code", tabindex: "0", "aria-label": title }, lines));
}

/** Copies a text and says so; where the browser forbids it, says how else. */
async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    fill(said, "Your text was copied.");
  } catch {
    fill(said, "This browser does not let pages copy. Go back to your text, select all of it (Ctrl-A) and copy it (Ctrl-C).");
  }
}
