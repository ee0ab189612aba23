// The editor itself: CodeMirror with YAML, in a shadow root, where its styles are sheets of their own and no inline ones.

import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorSelection, EditorState } from "@codemirror/state";
import {
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";

import { completions, openTemplate } from "./complete.js";
import { hovers } from "./hover.js";
import { positionOf, verdicts } from "./marks.js";
import { asKey } from "./paths.js";
import { placeAt } from "./place.js";
import { followTheme, theme } from "./theme.js";

/** Screens that are narrower wrap lines. */
const NARROW = "(max-width: 720px)";

const wrapping = new Compartment();
const wrap = () => (matchMedia(NARROW).matches ? EditorView.lineWrapping : []);

/** Spaces up to the next even column; a selection is indented. */
function tab(view) {
  const { state } = view;
  if (state.readOnly) return false;
  if (state.selection.ranges.some((range) => !range.empty)) return indentMore(view);
  const spaced = state.changeByRange(({ head }) => {
    const blanks = 2 - ((head - state.doc.lineAt(head).from) % 2);
    return { changes: { from: head, insert: " ".repeat(blanks) }, range: EditorSelection.cursor(head + blanks) };
  });
  view.dispatch(spaced, { scrollIntoView: true, userEvent: "input" });
  return true;
}

/**
 * Typing over a selection is done here: left to the browser, it carries the style of what was there into an inline one, which
 * the page's policy forbids and reports.
 */
function overSelection(event, view) {
  const { from, to, empty } = view.state.selection.main;
  if (event.inputType !== "insertText" || event.isComposing || empty || !event.data || view.state.readOnly) return false;
  event.preventDefault();
  const typed = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  const handlers = view.state.facet(EditorView.inputHandler);
  if (!handlers.some((handler) => handler(view, from, to, event.data, typed))) view.dispatch(typed());
  return true;
}

function extensions({ known, label, mayEdit, changed, save }) {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    foldGutter({ openText: "▾", closedText: "▸" }),
    codeFolding(),
    drawSelection(),
    dropCursor(),
    EditorState.allowMultipleSelections.of(true),
    EditorState.tabSize.of(2),
    EditorState.readOnly.of(!mayEdit),
    indentUnit.of("  "),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    rectangularSelection(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    lintGutter(),
    yaml(),
    autocompletion({ override: [completions(known)], maxRenderedOptions: 80, icons: false }),
    hovers(known),
    verdicts,
    theme(),
    wrapping.of(wrap()),
    keymap.of([
      { key: "Mod-s", run: () => (save(), true), preventDefault: true },
      { key: "Tab", run: acceptCompletion },
      { key: "Tab", run: tab, shift: indentLess },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ]),
    EditorView.contentAttributes.of({
      tabindex: "0",
      "aria-label": label,
      "aria-multiline": "true",
      "aria-readonly": mayEdit ? "false" : "true",
      spellcheck: "false",
      autocapitalize: "off",
      autocorrect: "off",
    }),
    EditorView.domEventHandlers({ beforeinput: overSelection }),
    EditorView.updateListener.of((update) => update.docChanged && changed()),
  ];
}

/** Makes the editor in `host`. `known` gives the schema and the chosen event; `changed` hears of every new text. */
export function makeEditor(host, text, options) {
  const root = host.attachShadow({ mode: "open" });
  const state = EditorState.create({ doc: text, extensions: [lineEnds(text), extensions(options)] });
  const view = new EditorView({ state, parent: root, root });
  followTheme(view);
  matchMedia(NARROW).addEventListener("change", () => view.dispatch({ effects: wrapping.reconfigure(wrap()) }));
  // Shortcuts of the page are letters, which are text in here.
  host.addEventListener("keydown", (event) => event.stopPropagation());
  return view;
}

/** The text in one piece, with the line ends that the file had. */
export function textOf(view) {
  return view.state.sliceDoc();
}

/** Keeps the line ends of a file that has others than `\n`: all `\r\n`, or both kinds as they are. */
function lineEnds(text) {
  if (!text.includes("\r")) return [];
  const end = /(^|[^\r])\n|\r(?!\n)/.test(text) ? "\n" : "\r\n";
  return [EditorState.lineSeparator.of(end), EditorView.clipboardInputFilter.of((pasted) => pasted.replace(/\r\n?|\n/g, end))];
}

/** Another text in place of this one, as one step that can be undone. */
export function replaceText(view, text) {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, userEvent: "input.replace" });
}

/** Puts the cursor at a line and column and shows it. */
export function jump(view, line, column) {
  const anchor = positionOf(view.state.doc, line, column);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  view.focus();
}

/** Puts a path at the cursor: bare in a template or as a key, else as a template of its own. */
export function insertPath(view, path) {
  const { from, to } = view.state.selection.main;
  const place = placeAt(view.state, from);
  const isBare = openTemplate(view.state, from) !== null || (!place.isValue && !place.isText);
  const text = openTemplate(view.state, from) !== null ? path : isBare ? `${asKey(path)}: ` : inScalar(view.state, from, path);
  view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, scrollIntoView: true, userEvent: "input" });
  view.focus();
}

/** A template as a value: in quotes unless it stands in a text already, since YAML reads bare braces as a map. */
function inScalar(state, position, path) {
  const before = state.sliceDoc(state.doc.lineAt(position).from, position);
  const template = `{{ ${path} }}`;
  const opens = /(?:[:,[{]|^|-)\s*$/.test(before) && !placeAt(state, position).isText;
  if (!opens) return template;
  return path.includes('"') ? `'${template}'` : `"${template}"`;
}
