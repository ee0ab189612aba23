// The file was changed by someone else meanwhile: the three texts side by side, and a way on that loses none of them.

import { button, openDialog } from "./dialog.js";
import { el, fill } from "./dom.js";
import { changedLines } from "./lines.js";

/**
 * Shows the text both began with, theirs and yours. `take()` puts theirs into the editor, `keep()` goes on with yours over theirs;
 * both take the file as it is now for the new base.
 */
export function openConflict({ message, base, theirs, yours, take, keep }) {
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
  const opened = openDialog(
    "This file was changed meanwhile",
    "ed-wide",
    el("p", {}, message || "Someone saved it after you opened it."),
    el("p", {}, "Nothing is lost: choose how to go on. Your text is also kept in this browser."),
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
      button("Take theirs", "", act(take)),
      button("Keep mine on top of theirs", "button-primary", act(keep)),
      button("Copy mine", "", () => copy(yours, said)),
      button("Back to my text", "", () => opened.close()),
    ),
  );
  return opened;
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
