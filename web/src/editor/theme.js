// How the editor looks. Colours are the page's own properties, which a shadow root inherits; `editor.css` sets them.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const look = {
  "&": { color: "var(--ed-text)", backgroundColor: "var(--ed-ground)", height: "100%", fontSize: "var(--ed-size)" },
  // The host draws the ring around text and gutters.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--ed-mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ed-text)", paddingBottom: "2rem" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ed-text)", borderLeftWidth: "2px" },
  ".cm-gutters": { color: "var(--ed-muted)", backgroundColor: "var(--ed-ground)", borderRight: "1px solid var(--ed-line)" },
  ".cm-activeLine": { backgroundColor: "var(--ed-active)" },
  ".cm-activeLineGutter": { color: "var(--ed-text)", backgroundColor: "var(--ed-active)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--ed-selection)",
  },
  ".cm-selectionMatch": { backgroundColor: "var(--ed-match)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--ed-match)", color: "inherit" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--ed-bad)" },
  ".cm-searchMatch": { backgroundColor: "var(--ed-match)", outline: "1px solid var(--ed-line)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--ed-selection)" },
  ".cm-foldPlaceholder": { color: "var(--ed-muted)", backgroundColor: "var(--ed-active)", border: "1px solid var(--ed-line)" },
  ".cm-foldGutter .cm-gutterElement": { cursor: "pointer", padding: "0 4px" },
  ".cm-panels": { color: "var(--ed-text)", backgroundColor: "var(--ed-raised)", zIndex: "5" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--ed-line)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--ed-line)" },
  ".cm-panel label": { fontSize: "inherit" },
  ".cm-textfield": { color: "var(--ed-text)", backgroundColor: "var(--ed-ground)", border: "1px solid var(--ed-border)", fontSize: "inherit" },
  ".cm-button": {
    color: "var(--ed-text)",
    backgroundColor: "var(--ed-ground)",
    backgroundImage: "none",
    border: "1px solid var(--ed-border)",
    fontSize: "inherit",
  },
  ".cm-panel.cm-search [name=close], .cm-panel.cm-panel-lint [name=close]": { color: "var(--ed-text)" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--ed-active)", color: "var(--ed-text)" },
  ".cm-panel.cm-panel-lint ul:focus [aria-selected]": { backgroundColor: "var(--ed-selection)", color: "var(--ed-text)" },
  ".cm-tooltip": {
    color: "var(--ed-text)",
    backgroundColor: "var(--ed-raised)",
    border: "1px solid var(--ed-border)",
    borderRadius: "6px",
    maxWidth: "min(34rem, 92vw)",
    boxShadow: "0 4px 16px rgb(0 0 0 / .18)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--ed-mono)", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 8px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--ed-on-accent)", backgroundColor: "var(--ed-accent)" },
  ".cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail": { color: "var(--ed-on-accent)" },
  ".cm-completionDetail": { color: "var(--ed-muted)", fontStyle: "normal", marginLeft: "1em" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionInfo": { padding: "8px 12px" },
  ".cm-diagnostic": { padding: "6px 10px", borderLeftWidth: "4px", fontFamily: "var(--ed-sans)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--ed-bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--ed-warn)" },
  ".cm-diagnosticSource": { color: "var(--ed-muted)", opacity: "1", fontSize: "85%" },
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy 1.5px", textUnderlineOffset: "3px", textDecorationSkipInk: "none" },
  ".cm-lintRange-error": { textDecorationColor: "var(--ed-bad)" },
  ".cm-lintRange-warning": { textDecorationColor: "var(--ed-warn)" },
  ".cm-lintRange-active": { backgroundColor: "var(--ed-match)" },
  ".cm-gutter-lint": { width: "1.2em" },
  ".ed-hover, .cm-completionInfo": { fontFamily: "var(--ed-sans)", fontSize: "14px", lineHeight: "1.45" },
  ".ed-hover": { padding: "8px 12px" },
  ".ed-info p": { margin: "4px 0 0" },
  ".ed-facts": { color: "var(--ed-muted)", overflowWrap: "anywhere" },
  ".ed-way": { color: "var(--ed-muted)" },
  "a": { color: "var(--ed-link)" },
  ".ed-end": { marginLeft: "1.5em", fontFamily: "var(--ed-sans)", fontSize: "12px", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  ".ed-end.ed-good": { color: "var(--ed-good)" },
  ".ed-end.ed-bad": { color: "var(--ed-bad)" },
  ".ed-end.ed-warn": { color: "var(--ed-warn)" },
  ".ed-end.ed-none": { color: "var(--ed-muted)" },
};

const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--ed-key)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ed-string)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ed-muted)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.typeName, tags.labelName, tags.attributeValue], color: "var(--ed-word)" },
  { tag: [tags.punctuation, tags.separator, tags.bracket, tags.meta], color: "var(--ed-muted)" },
  { tag: tags.invalid, color: "var(--ed-bad)" },
]);

/** Whether the page is dark: by its attribute, else by what the person's system says. */
export function isDark() {
  const said = document.documentElement.dataset.theme;
  return said === "dark" || (said !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
}

const darkness = new Compartment();

/** The look, light or dark as the page is now. */
export function theme() {
  return [EditorView.theme(look), syntaxHighlighting(colours), darkness.of(EditorView.darkTheme.of(isDark()))];
}

/** Follows the page when it turns dark or light. */
export function followTheme(view) {
  const turn = () => view.dispatch({ effects: darkness.reconfigure(EditorView.darkTheme.of(isDark())) });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", turn);
  new MutationObserver(turn).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
