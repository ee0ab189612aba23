// Saving: checks, tests and changes are shown, then a message is asked for, then the file is written.

import { button, openDialog } from "./dialog.js";
import { counted, el, fill, mark } from "./dom.js";
import { findingsTold, showFindingsList } from "./findings.js";
import * as server from "./server.js";

/** Unchanged lines that are shown around a change. */
const AROUND = 3;

/**
 * Opens the dialog. `work` is the page: `{path, base, text(), check(), isNew, jump, message}`. `saved(answer, path)` and
 * `conflict(refusal)` are told how it ended; `typed(message)` is told each message that a person writes.
 */
export function openSave(work, { saved, conflict, typed }) {
  const parts = {
    checks: el("div", { role: "status" }, "Checking …"),
    changes: el("div", {}, "Comparing …"),
    confirms: el("div", { class: "checks" }),
    said: el("p", { class: "ed-said", role: "alert" }),
  };
  const file = el("input", { name: "path", required: true, value: work.isNew ? work.path || "rules/" : work.path, spellcheck: "false", class: "mono" });
  const message = el("input", { name: "message", maxlength: "500", value: work.message || `${work.isNew ? "Add" : "Change"} ${named(work.path)}`, autocomplete: "off" });
  message.addEventListener("input", () => typed(message.value));
  const write = el("button", { class: "button button-primary", type: "submit" }, "Save");
  const form = el(
    "form",
    { class: "ed-save" },
    work.isNew ? field("File", file, "In the folder rules, such as rules/calls/missed.yaml.") : null,
    section("Checks and tests", parts.checks),
    section("Changes", parts.changes),
    field("Message", message, "What changed and why. It goes into the history of the file."),
    parts.confirms,
    parts.said,
    el("div", { class: "actions" }, write, button("Back", "", () => opened.close())),
  );
  const state = { work, parts, file, message, write, text: work.text() };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await submit(state, { saved, conflict, close: () => opened.close() });
  });
  const opened = openDialog(work.isNew ? "Save the new rule" : `Save ${named(work.path)}`, "", form);
  if (work.isNew) {
    file.focus();
    file.setSelectionRange(file.value.length, file.value.length);
  } else {
    message.select();
  }
  review(state);
}

function named(path) {
  return path ? path.replace(/^rules\//, "").replace(/\.ya?ml$/, "") : "a rule";
}

function field(label, input, hint) {
  return el("label", { class: "field" }, label, input, el("small", { class: "hint" }, hint));
}

function section(title, body) {
  return el("section", {}, el("h3", {}, title), body);
}

/** Asks for the checks and the changes of the text that is about to be saved. */
async function review(state) {
  const [answer, changes] = await Promise.allSettled([state.work.check(), server.diff(state.work.path || state.file.value, state.text)]);
  if (answer.value) showChecks(state, answer.value);
  else fill(state.parts.checks, "The checks could not be done now; saving does them again.");
  if (changes.value) showChanges(state.parts.changes, changes.value.lines ?? []);
  else fill(state.parts.changes, changes.reason?.message ?? "The changes cannot be shown.");
}

function showChecks({ parts, work }, { findings, tests }) {
  const told = findingsTold(findings);
  const failing = (tests ?? []).filter((test) => !test.ok);
  const list = el("div", {});
  if (findings.length) showFindingsList(list, work.path, findings, work.jump);
  const kinds = { "ed-bad": "bad", "ed-warn": "warn", "ed-good": "good" };
  fill(
    parts.checks,
    el("p", {}, mark(kinds[told.kind], told.text), findings.some((one) => one.severity === "error") ? ": the server refuses a file with errors." : null),
    findings.length ? list : null,
    el("p", {}, testsLine(tests ?? [], failing)),
    failing.length ? el("ul", {}, failing.map((test) => el("li", {}, `${test.name}: ${test.message ?? "fails"}`))) : null,
  );
  if (failing.length) confirmed(parts.confirms, "force_tests", `Save although ${counted(failing.length, "test")} ${failing.length === 1 ? "fails" : "fail"}`);
}

function testsLine(tests, failing) {
  if (!tests.length) return mark("none", "no tests");
  if (failing.length) return mark("bad", `${failing.length} of ${counted(tests.length, "test")} ${failing.length === 1 ? "fails" : "fail"}`);
  return mark("good", `${counted(tests.length, "test")} ${tests.length === 1 ? "passes" : "pass"}`);
}

/** A box to tick; once. */
function confirmed(place, name, text) {
  if (place.querySelector(`[name="${name}"]`)) return;
  place.append(el("label", {}, el("input", { type: "checkbox", name }), ` ${text}`));
}

/** The changes as lines, with a few unchanged ones around them. */
export function showChanges(place, lines) {
  if (lines.every((line) => line.kind === "same")) {
    fill(place, el("p", { class: "ed-quiet" }, "The text is the same as the file's."));
    return;
  }
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => line.kind !== "same"));
  const rows = lines.flatMap((line, at) => {
    if (near[at]) return [shownLine(line)];
    return at === 0 || near[at - 1] ? [el("div", { class: "hunk" }, "⋯")] : [];
  });
  fill(place, el("div", { class: "diff ed-diff", tabindex: "0", role: "region", "aria-label": "Changes against the file" }, rows));
}

function shownLine(line) {
  const text = line.text.replace(/\r?\n$/, "");
  if (line.kind === "add") return el("ins", {}, text || " ");
  if (line.kind === "del") return el("del", {}, text || " ");
  return el("div", {}, text || " ");
}

async function submit(state, { saved, conflict, close }) {
  const { work, parts, file, message, write, text } = state;
  const ticked = (name) => Boolean(parts.confirms.querySelector(`[name="${name}"]`)?.checked);
  const path = work.isNew ? file.value.trim() : work.path;
  const body = { path, text, base: work.base, message: message.value.trim() };
  if (ticked("confirm_secret")) body.confirm_secret = true;
  if (ticked("force_tests")) body.force_tests = true;
  write.disabled = true;
  fill(parts.said, "");
  try {
    const answer = await server.save(body);
    close();
    saved(answer, path, text);
  } catch (error) {
    write.disabled = false;
    // A name that is taken is no conflict: nothing was opened.
    if (error.status === 409 && !work.isNew) {
      close();
      conflict(error, text);
      return;
    }
    refused(state, error);
  }
}

/** Shows why the file was not written, and the box that allows it where a person may. */
function refused(state, error) {
  fill(state.parts.said, error.message);
  const { findings, tests } = error.details;
  if (findings || tests) showChecks(state, { findings: findings ?? [], tests: tests ?? [] });
  if (error.code === "tests") confirmed(state.parts.confirms, "force_tests", "Save although not every test passes");
  if (error.code === "secret") confirmed(state.parts.confirms, "confirm_secret", "It is no secret, or it may stand in the file: save it so");
}
