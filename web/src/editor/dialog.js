// Dialogs of the browser's own: they hold the focus, and Escape closes them.

import { el } from "./dom.js";

/** Opens a dialog with a title; `close()` ends it. What had the focus has it again afterwards. */
export function openDialog(title, className, ...children) {
  const before = document.activeElement;
  const heading = el("h2", { id: "ed-dialog-title", tabindex: "-1" }, title);
  const dialog = el("dialog", { class: `ed-dialog ${className}`, "aria-labelledby": "ed-dialog-title" }, heading, ...children);
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close: () => dialog.close() };
}

/** A button. */
export function button(text, kind, onclick, more = {}) {
  return el("button", { type: "button", class: `button ${kind}`, onclick, ...more }, text);
}
