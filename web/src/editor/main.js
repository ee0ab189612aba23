// The page of the editor: what it loads, and how its parts hear of each other.

import { makeChecker } from "./checker.js";
import { openConflict } from "./conflict.js";
import { el, fill, shortened } from "./dom.js";
import { findingsTold, showFindingsList } from "./findings.js";
import { makeJudged } from "./judged.js";
import { makeKept } from "./kept.js";
import { showFindings, showVerdicts } from "./marks.js";
import { openSave } from "./save.js";
import * as server from "./server.js";
import { makeTabs } from "./tabs.js";
import { showTree } from "./tree.js";
import { insertPath, jump, makeEditor, replaceText, textOf } from "./view.js";

const byId = (id) => document.getElementById(id);
/** How long nobody types before the text is kept in the browser. */
const KEEP_AFTER = 400;
/** As which file a new rule is checked until it has a name. */
const NEW = "rules/new.yaml";
/** What a rule begins with that begins with nothing. */
const BLANK = `# What people call this rule.
name: 
# The type of event that starts it, such as gruveo.call.
on: 
# Which of those events; without this, every one.
# when:
#   event.some.field: a value that it must have
# What it does, step by step: an action of a service, http, emit, wait, if.
do:
  - 
`;

/** The page while it is open. */
class Page {
  constructor(root) {
    const { path, event, sample, from, person, force } = root.dataset;
    this.root = root;
    this.path = path;
    this.from = from;
    this.mayEdit = root.dataset.mayEdit === "true";
    this.event = event;
    this.sample = sample;
    this.kept = makeKept(person, path || `new:${from}`);
    this.force = force;
    this.known = { schema: null, event: undefined, trigger: undefined };
    this.answer = { findings: [] };
    this.message = "";
    this.tabs = makeTabs(byId("ed-tabs"), "bellwire.tab");
    this.judged = makeJudged(this.tabs, (line, column) => jump(this.view, line, column));
  }

  async open() {
    const given = this.path || this.from ? await server.text(this.path, this.from) : { path: "", text: "", digest: "" };
    this.path = given.path || this.path;
    this.base = given.digest ?? "";
    // A file that is there and empty has a digest too.
    this.isBlank = !this.base && !this.from;
    this.baseText = this.isBlank ? BLANK : given.text;
    this.isNew = !this.base || !this.root.dataset.path;
    const label = `Text of ${this.path || "the new rule"}. Escape, then Tab leaves it.`;
    this.view = makeEditor(byId("ed-host"), this.baseText, {
      label,
      mayEdit: this.mayEdit,
      known: () => this.known,
      changed: () => this.changed(),
      save: () => this.save(),
    });
    byId("ed-loading")?.remove();
    this.checker = makeChecker({
      begun: () => byId("ed-checking").removeAttribute("hidden"),
      ask: (signal) => server.draft(this.asked(), signal),
      shown: (answer) => this.show(answer),
      failed: (error) => this.failed(error),
    });
    this.listen();
    this.offerDraft();
    this.status();
    await Promise.allSettled([this.loadSchema(), this.loadEvents()]);
  }

  /** What the server is asked about. A new rule is checked as a file of some name. */
  asked() {
    const { path, event, sample } = this;
    return { path: path || NEW, text: textOf(this.view), event: event || null, sample: sample || null };
  }

  /** The text differs from the file's. */
  get isDirty() {
    return textOf(this.view) !== this.baseText;
  }

  listen() {
    byId("ed-save")?.addEventListener("click", () => this.save());
    byId("ed-problem").addEventListener("click", () => this.toFinding());
    byId("ed-event").addEventListener("change", (event) => this.choose(event.target.value));
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s" || event.altKey) return;
      event.preventDefault();
      this.save();
    });
    addEventListener("pagehide", () => this.keep());
    addEventListener("beforeunload", (event) => {
      if (!this.mayEdit || !this.isDirty) return;
      this.keep();
      event.preventDefault();
    });
  }

  changed() {
    this.checker.soon();
    this.status();
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keep(), KEEP_AFTER);
  }

  /** Keeps the text in the browser while it is not saved. */
  keep() {
    if (!this.mayEdit) return;
    if (!this.isDirty) return void this.kept.drop();
    this.isKept = this.kept.keep(this.base, textOf(this.view), this.baseText);
    this.status();
  }

  /** Offers a text that was not saved the last time. */
  offerDraft() {
    const draft = this.mayEdit ? this.kept.newest(this.baseText) : null;
    if (!draft) return;
    const bar = byId("ed-draft");
    const forget = () => {
      this.keep();
      this.kept.forget(draft.name);
    };
    const restore = () => {
      bar.hidden = true;
      this.view.focus();
      if (draft.base !== this.base) return void this.restoreOver(draft, forget);
      replaceText(this.view, draft.text);
      return void forget();
    };
    const discard = () => {
      bar.hidden = true;
      this.view.focus();
      this.kept.forget(draft.name);
      this.offerDraft();
    };
    const when = new Date(draft.at).toLocaleString();
    fill(
      bar,
      el("span", {}, `A text of this file that was not saved is kept in this browser, from ${when}. `),
      el("button", { type: "button", class: "button button-small button-primary", onclick: restore }, "Restore it"),
      " ",
      el("button", { type: "button", class: "button button-small", onclick: discard }, "Throw it away"),
    );
    bar.hidden = false;
  }

  /** A kept text whose file was changed meanwhile is a conflict like any other. */
  restoreOver(draft, done) {
    const message = "The file was changed after this text was written.";
    this.conflict({ message, base: draft.baseText, theirs: this.baseText, yours: draft.text }, done);
  }

  async loadSchema() {
    // Awaited by itself: what is known is replaced meanwhile, and the old one would get the schema.
    const schema = await server.schema();
    this.known = { ...this.known, schema };
  }

  /** Fills the list of events and chooses the one of the address, else the first that fits. */
  async loadEvents() {
    const select = byId("ed-event");
    const { events = [], samples = [] } = await server.samples(this.path).catch(() => ({}));
    const stored = events.map((event) => option(`event:${event.id}`, storedName(event)));
    const shown = samples.map((sample) => option(`sample:${sample.name}`, sampleName(sample)));
    if (this.event && !events.some((event) => event.id === this.event)) stored.unshift(option(`event:${this.event}`, this.event));
    if (this.sample && !samples.some((sample) => sample.name === this.sample)) shown.unshift(option(`sample:${this.sample}`, this.sample));
    fill(
      select,
      option("", "None"),
      stored.length ? el("optgroup", { label: "Stored events" }, stored) : null,
      shown.length ? el("optgroup", { label: "Samples" }, shown) : null,
    );
    // A rule that begins with nothing listens to none of them yet.
    const first = this.isBlank ? "" : firstToTry(events, samples);
    const chosen = this.event ? `event:${this.event}` : this.sample ? `sample:${this.sample}` : first;
    await this.choose(chosen);
  }

  /** Looks at the rule with another event. */
  async choose(value) {
    byId("ed-event").value = value;
    const [kind, ...rest] = value.split(":");
    this.event = kind === "event" ? rest.join(":") : "";
    this.sample = kind === "sample" ? rest.join(":") : "";
    this.judged.forget();
    const address = new URL(location.href);
    for (const name of ["event", "sample"]) {
      if (this[name]) address.searchParams.set(name, this[name]);
      else address.searchParams.delete(name);
    }
    history.replaceState(history.state, "", address);
    const seen = this.loadSeen(value);
    this.checker.now();
    await seen;
  }

  async loadSeen(value) {
    const panel = byId("ed-panel-event");
    this.known = { ...this.known, event: undefined, trigger: undefined };
    if (!value) return void showTree(panel, null);
    try {
      const seen = await server.seen(this.event, this.sample);
      if (byId("ed-event").value !== value) return;
      this.known = { ...this.known, event: seen.event, trigger: seen.trigger };
      showTree(panel, seen, this.mayEdit ? (path) => insertPath(this.view, path) : null);
    } catch (error) {
      fill(panel, el("p", { class: "ed-bad" }, error.message));
    }
  }

  /** Shows what the server said of the text as it is now. */
  show(answer) {
    this.answer = answer;
    this.trouble = "";
    byId("ed-checking").hidden = true;
    const findings = answer.findings ?? [];
    const go = (line, column) => jump(this.view, line, column);
    showFindings(this.view, this.path, findings);
    showVerdicts(this.view, answer.explain?.conditions ?? []);
    showFindingsList(byId("ed-panel-findings"), this.path, findings, go);
    this.judged.show(answer, this.event ? `/events/${encodeURIComponent(this.event)}` : "");
    const told = findingsTold(findings);
    this.tabs.count("ed-tab-findings", findings.length ? String(findings.length) : "", told.kind);
    this.announce(told.text);
    this.status();
  }

  failed(error) {
    this.trouble = error.message;
    byId("ed-checking").hidden = true;
    this.status();
  }

  /** The line below the text. */
  status() {
    const told = findingsTold(this.answer.findings ?? []);
    const problem = byId("ed-problem");
    fill(problem, this.trouble || told.text);
    problem.className = `ed-problem ${this.trouble ? "ed-bad" : told.kind}`;
    problem.disabled = !this.trouble && !this.answer.findings?.length;
    fill(byId("ed-saved"), this.savedWord());
    fill(byId("ed-force"), this.force);
    document.title = document.title.replace(/^• /, "").replace(/^/, this.mayEdit && this.isDirty ? "• " : "");
  }

  /** A sentence above the text. */
  notice(text) {
    fill(byId("ed-notice"), text);
    byId("ed-notice").hidden = false;
  }

  /** Tells a screen reader what changed, once. */
  announce(text) {
    const place = byId("ed-announce");
    if (place.textContent !== text) fill(place, text);
  }

  savedWord() {
    if (!this.mayEdit) return "read only";
    if (this.isDirty) return this.isKept ? "not saved, kept in this browser" : "not saved";
    return this.isNew ? "new, not saved" : "saved";
  }

  toFinding() {
    const own = (this.answer.findings ?? []).find((finding) => !finding.file || finding.file === this.path);
    this.tabs.open("ed-tab-findings");
    if (own) jump(this.view, own.line, own.column);
  }

  save() {
    if (!this.mayEdit || document.querySelector("dialog[open]")) return;
    if (!this.isDirty && !this.isNew) return void this.announce("There is nothing to save.");
    this.keep();
    const work = {
      path: this.path,
      base: this.base,
      isNew: this.isNew,
      message: this.message,
      text: () => textOf(this.view),
      check: () => this.checker.now(),
      jump: (line, column) => {
        document.querySelector("dialog[open]")?.close();
        jump(this.view, line, column);
      },
    };
    openSave(work, {
      saved: (answer, path, text) => this.saved(answer, path, text),
      typed: (message) => (this.message = message),
      conflict: (refusal, text) => this.conflict({ ...refusal.details, yours: text, message: refusal.message }),
    });
  }

  saved(answer, path, text) {
    this.kept.drop();
    const wasNew = this.isNew;
    this.message = "";
    this.base = answer.digest;
    this.baseText = text;
    this.isNew = false;
    this.force = answer.in_force ? "in force" : "not in force";
    const why = answer.why_not ? ` Not committed: ${answer.why_not}` : "";
    const commit = answer.commit ? ` as commit ${answer.commit.slice(0, 10)}` : "";
    const force = answer.in_force ? "It is in force." : "It is not in force yet: see the findings.";
    this.notice(`Saved${answer.committed ? commit : ""}.${why} ${force}`);
    if (wasNew) return void location.replace(this.address(path));
    this.status();
    return void this.checker.now();
  }

  /** The address of this page for a file. */
  address(path) {
    const query = new URLSearchParams({ path });
    if (this.event) query.set("event", this.event);
    if (this.sample) query.set("sample", this.sample);
    return `/rules/edit?${query}`;
  }

  /** Three texts, and how to go on. The file as it is now is the new base, whatever is chosen. */
  conflict({ base, theirs, yours, message }, done = () => {}) {
    const written = (one) => (one && typeof one === "object" ? one.text : one);
    const [began, shown] = [written(base) ?? this.baseText, written(theirs)];
    // False where the file is once more another than the one that was looked at: its conflict is opened then.
    const renew = async () => {
      const now = await this.fileNow();
      if ((now.digest ? now.text : null) !== (shown ?? null)) {
        this.conflict({ message: "The file was changed once more.", base: began, theirs: now.digest ? now.text : null, yours }, done);
        return false;
      }
      this.base = now.digest;
      this.baseText = now.text;
      return true;
    };
    const goOn = async (text, notice) => {
      if (!(await renew())) return;
      replaceText(this.view, text);
      done();
      this.keep();
      this.notice(notice);
    };
    openConflict({
      message,
      base: began,
      theirs: shown,
      yours,
      both: (text) => goOn(text, "Your changes and theirs stand together now. Look at them, then save."),
      take: async () => {
        if (!(await renew())) return;
        // One step of the editor's history: undo brings back what was there.
        replaceText(this.view, this.baseText);
        this.notice("This is the file as it is now. Yours is one undo away (Ctrl-Z).");
      },
      keep: () => goOn(yours, "Your text takes the place of theirs when you save. Saving shows first what it takes away."),
    });
  }

  /** The file as it is on disk; without a digest where it is gone. */
  async fileNow() {
    const now = await server.text(this.path, "").catch((error) => {
      if (error.status === 404) return {};
      throw error;
    });
    return { digest: now.digest ?? "", text: now.text ?? "" };
  }
}

/** What a rule is tried with before somebody chooses: what it hears, a stored event before a sample, else whatever is there. */
function firstToTry(events, samples) {
  const heard = ({ heard }) => heard;
  const event = events.find(heard) ?? (samples.some(heard) ? undefined : events[0]);
  const sample = samples.find(heard) ?? samples[0];
  return event ? `event:${event.id}` : sample ? `sample:${sample.name}` : "";
}

function option(value, text) {
  return el("option", { value }, text);
}

function sampleName({ name, title }) {
  return shortened(title && title !== name ? `${name}: ${title}` : name, 100);
}

function storedName({ type, received_at: at, summary }) {
  const when = at ? new Date(at).toLocaleString() : "";
  return shortened([type, when, summary].filter(Boolean).join(" · "), 100);
}

const root = byId("ed");
if (root) {
  const page = new Page(root);
  page.open().catch((error) => {
    page.notice(error.message);
    byId("ed-loading")?.remove();
    throw error;
  });
}
